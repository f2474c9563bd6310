#include "src/math/convolution.h"

#include <algorithm>
#include <array>
#include <dnnl.hpp>
#include <list>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/math/elementwise.h"
#include "src/math/one_thread.h"

namespace meridian {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// Input and output of one block of samples, with channels filled up to whole vectors, stay in the
// second-level cache: what is brought into another layout is still there when the convolution reads it.
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kVectorFloats = 16;

// A batch is cut into blocks of at most two sizes, each compiled for three directions; training and
// evaluation, whose last block is another, take at most four batch sizes in turn.
constexpr std::size_t kMostCompiled = 24;

enum class Direction { forward, data, weights };

memory::dim dimension(std::size_t size) { return static_cast<memory::dim>(size); }

std::size_t samples_per_block(const ConvolutionShape& shape) {
  const std::size_t input = round_up_to_line(shape.channels) * shape.height * shape.width;
  const std::size_t output = round_up_to_line(shape.filters) * shape.output_height() * shape.output_width();
  static_assert(kVectorFloats == round_up_to_line(1));
  return std::max<std::size_t>(1, kBlockBytes / sizeof(float) / (input + output));
}

/// One tensor that a convolution reads or writes: how callers hold it and how the library wants it.
struct Operand {
  int argument = 0;
  memory::desc plain;
  memory::desc inner;
  bool result = false;
  dnnl::reorder reorder = {};  // between the two, if they differ
  memory::desc reorder_scratch = {};

  bool differs() const { return plain != inner; }
};

/// The layouts one convolution is made for.
struct Layouts {
  Tag input;
  Tag output;
};

memory::desc describe(const memory::dims& sizes, Tag tag) { return {sizes, memory::data_type::f32, tag}; }

/// Scratch that is handed in, not kept by the library for the thread that made a primitive.
dnnl::primitive_attr own_scratch() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// Memory of one running convolution.
struct Working {
  dnnl::stream stream;
  std::vector<memory> plain;
  std::vector<memory> inner;
  memory scratch;
  std::vector<memory> reorder_scratch;
  std::vector<dnnl_exec_arg_t> arguments;
};

void execute(const dnnl::primitive& primitive, const dnnl::stream& stream,
             std::span<const dnnl_exec_arg_t> arguments) {
  const dnnl_status_t status = dnnl_primitive_execute(primitive.get(), stream.get(),
                                                      static_cast<int>(arguments.size()), arguments.data());
  MERIDIAN_CHECK(status == dnnl_success, "oneDNN gave status {}", static_cast<int>(status));
}

/// One direction of the convolution for one number of samples.
class Compiled {
 public:
  Compiled(const dnnl::engine& engine, const ConvolutionShape& shape, Direction direction,
           std::size_t samples)
      : engine_(engine), direction_(direction), samples_(samples) {
    choose(shape);
    for (Operand& operand : operands_) {
      if (!operand.differs()) continue;
      const memory::desc& from = operand.result ? operand.inner : operand.plain;
      const memory::desc& to = operand.result ? operand.plain : operand.inner;
      const dnnl::reorder::primitive_desc description(engine_, from, engine_, to, own_scratch());
      operand.reorder = dnnl::reorder(description);
      operand.reorder_scratch = description.scratchpad_desc();
    }
  }

  bool is(Direction direction, std::size_t samples) const {
    return direction_ == direction && samples_ == samples;
  }

  /// `handles`: where the operands lie, in the order of make_operands().
  void run(std::span<void* const> handles) {
    std::unique_ptr<Working> working = borrow();
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const Operand& operand = operands_[i];
      (operand.differs() ? working->plain[i] : working->inner[i]).set_data_handle(handles[i]);
      if (operand.differs() && !operand.result) reorder(*working, i, working->plain[i], working->inner[i]);
    }
    execute(convolution_, working->stream, working->arguments);
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const Operand& operand = operands_[i];
      if (operand.differs() && operand.result) reorder(*working, i, working->inner[i], working->plain[i]);
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(working));
  }

 private:
  void choose(const ConvolutionShape& shape) {
    for (const Layouts layouts : candidates(shape)) {
      try {
        make(shape, layouts);
      } catch (const dnnl::error&) {
        continue;
      }
      // The library's portable loops, a hundred times slower than all others, are the last resort.
      if (name_.find("ref") == std::string_view::npos) return;
    }
    MERIDIAN_CHECK(!operands_.empty(), "oneDNN has no convolution for {} samples of {} x {} x {}", samples_,
                   shape.channels, shape.height, shape.width);
  }

  /// Best first. The library's own choice is good but for the gradient by weights of few channels, where it
  /// takes an older kernel: there channels go last.
  std::vector<Layouts> candidates(const ConvolutionShape& shape) const {
    constexpr std::size_t kFewChannels = 3;  // for which it has kernels of their own
    std::vector<Layouts> result;
    if (direction_ == Direction::weights && shape.channels > kFewChannels &&
        shape.channels % kVectorFloats != 0) {
      result.push_back({Tag::nhwc, Tag::nhwc});
    }
    result.push_back({Tag::any, Tag::any});
    result.push_back({Tag::nchw, Tag::nchw});
    return result;
  }

  void make(const ConvolutionShape& shape, Layouts layouts) {
    const memory::dim kernel = dimension(shape.kernel);
    const memory::dims input{dimension(samples_), dimension(shape.channels), dimension(shape.height),
                             dimension(shape.width)};
    const memory::dims weight{dimension(shape.filters), dimension(shape.channels), kernel, kernel};
    const memory::dims bias{dimension(shape.filters)};
    const memory::dims output{dimension(samples_), dimension(shape.filters), dimension(shape.output_height()),
                              dimension(shape.output_width())};
    const memory::dims strides(2, dimension(shape.stride));
    const memory::dims padding(2, dimension(shape.padding));
    // What the last row and column of windows leave unread is negative padding.
    const auto after = [&](std::size_t size, std::size_t windows) {
      return dimension((windows - 1) * shape.stride + shape.kernel) - dimension(size + shape.padding);
    };
    const memory::dims padding_after{after(shape.height, shape.output_height()),
                                     after(shape.width, shape.output_width())};
    const memory::desc any_input = describe(input, layouts.input);
    const memory::desc any_weight = describe(weight, Tag::any);
    const memory::desc any_output = describe(output, layouts.output);
    const memory::desc flat_bias = describe(bias, Tag::a);
    const memory::desc plain_input = describe(input, Tag::nchw);
    const memory::desc plain_weight = describe(weight, Tag::oihw);
    const memory::desc plain_output = describe(output, Tag::nchw);
    const auto algorithm = dnnl::algorithm::convolution_direct;
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, algorithm, any_input, any_weight, flat_bias, any_output, strides,
         padding, padding_after},
        own_scratch(), engine_);
    if (direction_ == Direction::forward) {
      operands_ = {{DNNL_ARG_SRC, plain_input, forward.src_desc()},
                   {DNNL_ARG_WEIGHTS, plain_weight, forward.weights_desc()},
                   {DNNL_ARG_BIAS, flat_bias, forward.bias_desc()},
                   {DNNL_ARG_DST, plain_output, forward.dst_desc(), true}};
      keep(dnnl::convolution_forward(forward), forward);
    } else if (direction_ == Direction::data) {
      const dnnl::convolution_backward_data::primitive_desc backward(
          {algorithm, any_input, any_weight, any_output, strides, padding, padding_after}, own_scratch(),
          engine_, forward);
      operands_ = {{DNNL_ARG_DIFF_DST, plain_output, backward.diff_dst_desc()},
                   {DNNL_ARG_WEIGHTS, plain_weight, backward.weights_desc()},
                   {DNNL_ARG_DIFF_SRC, plain_input, backward.diff_src_desc(), true}};
      keep(dnnl::convolution_backward_data(backward), backward);
    } else {
      const dnnl::convolution_backward_weights::primitive_desc backward(
          {algorithm, any_input, any_weight, flat_bias, any_output, strides, padding, padding_after},
          own_scratch(), engine_, forward);
      operands_ = {{DNNL_ARG_SRC, plain_input, backward.src_desc()},
                   {DNNL_ARG_DIFF_DST, plain_output, backward.diff_dst_desc()},
                   {DNNL_ARG_DIFF_WEIGHTS, plain_weight, backward.diff_weights_desc(), true},
                   {DNNL_ARG_DIFF_BIAS, flat_bias, backward.diff_bias_desc(), true}};
      keep(dnnl::convolution_backward_weights(backward), backward);
    }
  }

  template <typename Description>
  void keep(dnnl::primitive convolution, const Description& description) {
    convolution_ = std::move(convolution);
    scratch_ = description.scratchpad_desc();
    name_ = description.impl_info_str();
  }

  std::unique_ptr<Working> borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Working> working = std::move(idle_.back());
        idle_.pop_back();
        return working;
      }
    }
    auto working = std::make_unique<Working>();
    working->stream = dnnl::stream(engine_);
    working->scratch = memory(scratch_, engine_);
    for (const Operand& operand : operands_) {
      working->plain.emplace_back(operand.plain, engine_, nullptr);
      working->inner.push_back(operand.differs() ? memory(operand.inner, engine_)
                                                 : memory(operand.inner, engine_, nullptr));
      working->reorder_scratch.push_back(operand.differs() ? memory(operand.reorder_scratch, engine_)
                                                           : memory());
      working->arguments.push_back({operand.argument, working->inner.back().get()});
    }
    working->arguments.push_back({DNNL_ARG_SCRATCHPAD, working->scratch.get()});
    return working;
  }

  void reorder(const Working& working, std::size_t operand, const memory& from, const memory& to) const {
    const std::array<dnnl_exec_arg_t, 3> arguments{
        {{DNNL_ARG_FROM, from.get()},
         {DNNL_ARG_TO, to.get()},
         {DNNL_ARG_SCRATCHPAD, working.reorder_scratch[operand].get()}}};
    execute(operands_[operand].reorder, working.stream, arguments);
  }

  dnnl::engine engine_;
  Direction direction_;
  std::size_t samples_;
  std::vector<Operand> operands_;
  dnnl::primitive convolution_;
  memory::desc scratch_;
  std::string_view name_;  // the library's, of its kernel
  std::mutex mutex_;
  std::vector<std::unique_ptr<Working>> idle_;
};

/// oneDNN takes one type for what it reads and what it writes.
void* handle(const float* data) {
  return const_cast<float*>(data);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

void check_rows(ConstMatrix input, std::size_t input_size, ConstMatrix output, std::size_t output_size) {
  MERIDIAN_CHECK(input.rows == output.rows && input.columns == input_size && output.columns == output_size,
                 "a convolution from {} x {} to {} x {}; expected rows of {} and {}", input.rows,
                 input.columns, output.rows, output.columns, input_size, output_size);
}

}  // namespace

class Convolution::Library {
 public:
  explicit Library(const ConvolutionShape& shape) : shape_(shape) {}

  /// Calls run(first sample, samples) for blocks of nearly equal size.
  template <typename Run>
  void for_each_block(std::size_t samples, Run run) const {
    const std::size_t limit = samples_per_block(shape_);
    const std::size_t blocks = (samples + limit - 1) / limit;
    for (std::size_t block = 0; block < blocks; ++block) {
      const std::size_t first = samples * block / blocks;
      run(first, samples * (block + 1) / blocks - first);
    }
  }

  std::shared_ptr<Compiled> compiled(Direction direction, std::size_t samples) {
    use_one_thread();
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(compiled_.begin(), compiled_.end(),
                                    [&](const auto& candidate) { return candidate->is(direction, samples); });
    if (found != compiled_.end()) {
      compiled_.splice(compiled_.begin(), compiled_, found);  // The last one used comes first.
      return compiled_.front();
    }
    if (compiled_.size() == kMostCompiled) compiled_.pop_back();
    compiled_.push_front(std::make_shared<Compiled>(engine_, shape_, direction, samples));
    return compiled_.front();
  }

 private:
  ConvolutionShape shape_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  std::mutex mutex_;
  std::list<std::shared_ptr<Compiled>> compiled_;
};

Convolution::Convolution(const ConvolutionShape& shape)
    : shape_(shape), library_(std::make_unique<Library>(shape)) {
  MERIDIAN_CHECK(shape.channels > 0 && shape.filters > 0 && shape.kernel > 0 && shape.stride > 0 &&
                     shape.padding < shape.kernel && shape.height + 2 * shape.padding >= shape.kernel &&
                     shape.width + 2 * shape.padding >= shape.kernel,
                 "{} x {} x {} by {} kernels of {}, stride {}, padding {}", shape.channels, shape.height,
                 shape.width, shape.filters, shape.kernel, shape.stride, shape.padding);
}

Convolution::~Convolution() = default;

void Convolution::forward(ConstMatrix input, std::span<const float> weight, std::span<const float> bias,
                          Matrix output) const {
  check_rows(input, shape_.input_size(), output, shape_.output_size());
  MERIDIAN_CHECK(weight.size() == shape_.weight_size() && bias.size() == shape_.filters, "{} and {} weights",
                 weight.size(), bias.size());
  library_->for_each_block(input.rows, [&](std::size_t first, std::size_t samples) {
    library_->compiled(Direction::forward, samples)
        ->run(std::array{handle(input.data + first * input.columns), handle(weight.data()),
                         handle(bias.data()), handle(output.data + first * output.columns)});
  });
}

void Convolution::backward_data(ConstMatrix output_gradient, std::span<const float> weight,
                                Matrix input_gradient) const {
  check_rows(input_gradient, shape_.input_size(), output_gradient, shape_.output_size());
  MERIDIAN_CHECK(weight.size() == shape_.weight_size(), "{} weights", weight.size());
  library_->for_each_block(input_gradient.rows, [&](std::size_t first, std::size_t samples) {
    library_->compiled(Direction::data, samples)
        ->run(std::array{handle(output_gradient.data + first * output_gradient.columns),
                         handle(weight.data()),
                         handle(input_gradient.data + first * input_gradient.columns)});
  });
}

void Convolution::backward_weights(ConstMatrix input, ConstMatrix output_gradient,
                                   std::span<float> weight_gradient, std::span<float> bias_gradient) const {
  check_rows(input, shape_.input_size(), output_gradient, shape_.output_size());
  MERIDIAN_CHECK(weight_gradient.size() == shape_.weight_size() && bias_gradient.size() == shape_.filters,
                 "{} and {} weights", weight_gradient.size(), bias_gradient.size());
  if (input.rows == 0) {
    std::fill(weight_gradient.begin(), weight_gradient.end(), 0.0F);
    std::fill(bias_gradient.begin(), bias_gradient.end(), 0.0F);
  }
  // The first block's sums are written in place, the others' beside them and added.
  thread_local FloatBuffer sums;
  const std::size_t size = weight_gradient.size() + bias_gradient.size();
  if (sums.size() < size) sums = FloatBuffer(size);
  const std::span<float> weight_sums = sums.span().first(weight_gradient.size());
  const std::span<float> bias_sums = sums.span().subspan(weight_gradient.size(), bias_gradient.size());
  library_->for_each_block(input.rows, [&](std::size_t first, std::size_t samples) {
    const bool add = first > 0;
    library_->compiled(Direction::weights, samples)
        ->run(std::array{handle(input.data + first * input.columns),
                         handle(output_gradient.data + first * output_gradient.columns),
                         handle(add ? weight_sums.data() : weight_gradient.data()),
                         handle(add ? bias_sums.data() : bias_gradient.data())});
    if (!add) return;
    add_to_rows(weight_sums, {weight_gradient.data(), 1, weight_gradient.size()});
    add_to_rows(bias_sums, {bias_gradient.data(), 1, bias_gradient.size()});
  });
}

}  // namespace meridian

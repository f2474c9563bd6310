// Goal: whoever sleeps on several descriptors is woken by each of them, answers all that ring and no other,
// and sleeps no longer than it wants to. Reached by eventfds that the test rings itself.
#include "src/runtime/real/doorbells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace meridian {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Bell {
 public:
  Bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Bell() { ::close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  int fd() const { return fd_; }
  void ring() {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(fd_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }
  void quieten() {
    std::uint64_t count = 0;
    (void)!::read(fd_, &count, sizeof(count));
  }

 private:
  int fd_;
};

class DoorbellsTest : public testing::Test {
 protected:
  DoorbellsTest() {
    doorbells_.add(first_.fd(), [this] { answered_.push_back(1); });
    doorbells_.add(second_.fd(), [this] { answered_.push_back(2); });
  }

  Bell first_;
  Bell second_;
  Doorbells doorbells_;
  std::vector<int> answered_;
};

TEST_F(DoorbellsTest, AnswersThoseThatRing) {
  doorbells_.answer(milliseconds(0));
  EXPECT_THAT(answered_, IsEmpty());
  second_.ring();
  doorbells_.answer(std::chrono::minutes(1));
  EXPECT_THAT(answered_, ElementsAre(2));
  first_.ring();
  answered_.clear();
  doorbells_.answer(std::chrono::minutes(1));
  EXPECT_THAT(answered_, UnorderedElementsAre(1, 2)) << "for as long as it is readable";
  second_.quieten();
  answered_.clear();
  doorbells_.answer(std::chrono::minutes(1));
  EXPECT_THAT(answered_, ElementsAre(1));
}

TEST_F(DoorbellsTest, AnAnswerMayTakeItsBellAway) {
  Bell once;
  int answers = 0;
  doorbells_.add(once.fd(), [&] {
    ++answers;
    doorbells_.remove(once.fd());
  });
  once.ring();
  doorbells_.answer(std::chrono::minutes(1));
  doorbells_.answer(milliseconds(0));
  EXPECT_EQ(answers, 1);
}

TEST_F(DoorbellsTest, AnswersMoreThanOneCallOfTheKernelTells) {
  std::vector<std::unique_ptr<Bell>> bells;
  std::vector<int> answers(200);
  for (int& count : answers) {
    bells.push_back(std::make_unique<Bell>());
    Bell& bell = *bells.back();
    doorbells_.add(bell.fd(), [&bell, &count] {
      bell.quieten();
      ++count;
    });
    bell.ring();
  }
  for (int call = 0; call < 4; ++call) doorbells_.answer(milliseconds(0));
  EXPECT_THAT(answers, testing::Each(1));
}

}  // namespace
}  // namespace meridian

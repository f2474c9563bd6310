#include "src/config/link_prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include "src/config/spelling.h"

namespace meridian {

namespace {

const Range kPrices = Range::from_to(0, 1e6);
constexpr std::size_t kLongestSource = 400;
constexpr std::size_t kCurrencyLetters = 3;

/// The number in text[begin, begin + size), which must be digits only.
std::optional<unsigned> digits_of(std::string_view text, std::size_t begin, std::size_t size) {
  const char* const first = text.data() + begin;
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(first, first + size, number);
  if (failure != std::errc() || end != first + size) return std::nullopt;
  return number;
}

/// A day of the calendar, as ISO 8601 writes it.
bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "2026-01-31";
  if (text.size() != kForm.size() || text[4] != '-' || text[7] != '-') return false;
  const auto year = digits_of(text, 0, 4);
  const auto month = digits_of(text, 5, 2);
  const auto day = digits_of(text, 8, 2);
  return year && month && day &&
         std::chrono::year_month_day(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                     std::chrono::day(*day))
             .ok();
}

bool is_currency(std::string_view text) {
  return text.size() == kCurrencyLetters &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_source(std::string_view text) {
  return text.size() <= kLongestSource && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

/// A text that is required and that `is_right` takes.
bool read_checked(Fields& fields, std::string_view key, std::string& out, const std::string& expected,
                  bool (*is_right)(std::string_view)) {
  if (!fields.text(key, out, expected, Presence::required)) return false;
  if (is_right(out)) return true;
  fields.problems().add(fields.place_of(key), fmt::format("{} is {}", fields.path_of(key), in_quotes(out)),
                        expected);
  return false;
}

RegionPrices read_region(Fields fields, RegionPrices prices) {
  double price = 0;
  if (fields.number("egress_per_gb", price, kPrices)) prices.egress_per_gb = price;
  if (fields.number("machine_per_hour", price, kPrices)) prices.machine_per_hour = price;
  fields.refuse_unknown();
  return prices;
}

void read_regions(Fields& fields, const FindRegion& find_region, PricesConfig& prices) {
  const YamlNode* node = fields.find("regions");
  if (node == nullptr) return;
  Fields regions(fields.problems(), node, fields.path_of("regions"));
  if (!regions.has_map()) return;
  for (const YamlNode::Key& key : node->keys) {
    const auto position = find_region(key.place, key.text, regions.path());
    if (regions.find(key.text) == nullptr) continue;
    const RegionPrices read =
        read_region(regions.map(key.text), position ? prices.regions[*position] : RegionPrices{});
    if (position) prices.regions[*position] = read;
  }
}

}  // namespace

std::optional<PricesConfig> read_prices(Fields& fields, std::size_t regions, const FindRegion& find_region) {
  PricesConfig prices;
  const bool dated =
      read_checked(fields, "dated", prices.dated, "the day of the prices, such as 2026-01-31", is_date);
  const bool sourced = read_checked(fields, "source", prices.source,
                                    "where the prices are from, in at most 400 bytes on one line", is_source);
  const bool in_currency = read_checked(fields, "currency", prices.currency,
                                        "the three letters of a currency, such as USD", is_currency);
  const RegionPrices usual = read_region(fields.map("default"), {});
  prices.regions.assign(regions, usual);
  read_regions(fields, find_region, prices);
  fields.refuse_unknown();
  if (!dated || !sourced || !in_currency) return std::nullopt;
  return prices;
}

}  // namespace meridian

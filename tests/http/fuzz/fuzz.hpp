// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the fuzz targets of the framing have in common. See docs/testing.md.

#pragma once

#include <support/http_framing.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                        std::size_t max_size);

namespace aio::testing {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program if the segmentation changes the verdict.
inline void check_segments(std::string_view input, std::string_view method,
                           std::string_view before = "") {
  const std::string bytes = std::string(before).append(input);
  const std::string whole = framing_verdict(bytes, 0, method);
  for (const std::size_t segment : {1u, 2u, 3u, 7u, 16u, 61u}) {
    const std::string cut = framing_verdict(bytes, segment, method);
    if (cut == whole) continue;
    std::fprintf(stderr, "whole: %s\nby %zu: %s\n", whole.c_str(), segment,
                 cut.c_str());
    std::abort();
  }
}

/// The seeds are in the source: now and then an input becomes one of them, which the
/// usual mutations then vary.
inline std::size_t mutate_or_seed(std::uint8_t* data, std::size_t size,
                                  std::size_t max_size, unsigned random,
                                  std::span<const std::string_view> seeds) {
  if (size > 1 && random % 64 != 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string_view seed = seeds[random / 64 % seeds.size()];
  const std::size_t n = seed.size() < max_size ? seed.size() : max_size;
  std::memcpy(data, seed.data(), n);
  return n;
}

}  // namespace aio::testing

/// Defines a target: the array `seeds`, and check_segments() with these arguments.
#define AIO_FUZZ_TARGET(...)                                                          \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    aio::testing::check_segments(aio::testing::as_text(data, size), __VA_ARGS__);     \
    return 0;                                                                         \
  }                                                                                   \
  extern "C" std::size_t LLVMFuzzerCustomMutator(                                     \
      std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned random) {  \
    return aio::testing::mutate_or_seed(data, size, max_size, random, seeds);         \
  }

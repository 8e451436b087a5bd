// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the framing makes of a stream of bytes, in one line of text; however the bytes
/// are cut into segments it must be the same line.

#pragma once

#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/head_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace aio::testing {

/// A reader of messages: requests, or the responses to requests with one method.
class framing_reader {
 public:
  explicit framing_reader(std::string_view method = {}) : method_(method) {}

  void receive(std::string_view segment) {
    received_ += segment;
    while (!is_over_ && step()) {
    }
  }

  /// The peer closed. "GET / [body]" for each message, then what was left: "!400" for an
  /// error, "+head" or "+body" for a message that is not complete.
  std::string finish() {
    if (is_over_) return text_;
    if (in_body_) {
      if (!decoder_.finish()) return text_ + "[" + body_ + " +body";
      end_body();
    }
    if (!received_.empty()) text_ += "+head";
    return text_;
  }

 private:
  bool step() {
    // A block of exactly this size: a sanitizer sees who reads beyond it.
    const std::unique_ptr<char[]> block(new char[received_.size()]);
    if (!received_.empty())
      std::memcpy(block.get(), received_.data(), received_.size());
    const std::string_view input(block.get(), received_.size());
    return in_body_ ? step_in_body(input) : step_in_head(input);
  }

  bool step_in_head(std::string_view input) {
    const auto state = method_.empty() ? parser_.parse_request(input, head_)
                                       : parser_.parse_response(input, head_);
    if (state == http::detail::parse_state::needs_more) return false;
    if (state == http::detail::parse_state::refused) return refuse(parser_.error());
    if (method_.empty()) {
      text_.append(head_.method).append(" ").append(head_.target).append(" ");
      decoder_ = http::detail::body_decoder::of_request(head_);
    } else {
      text_ += std::to_string(head_.status) + " ";
      decoder_ = http::detail::body_decoder::of_response(head_, method_);
    }
    in_body_ = true;
    const bool is_last = method_.empty() ? !head_.keep_alive : false;
    received_.erase(0, parser_.size());
    parser_.reset();
    is_last_ = is_last;
    if (decoder_.is_done()) end_body();
    return !received_.empty();
  }

  bool step_in_body(std::string_view input) {
    const auto [consumed, payload] = decoder_.next(input);
    body_ += payload;
    received_.erase(0, consumed);
    if (decoder_.error()) {
      text_ += "[" + body_ + " ";
      return refuse(decoder_.error());
    }
    if (decoder_.is_done()) end_body();
    return !received_.empty();
  }

  void end_body() {
    if (!body_.empty()) text_ += "[" + body_ + "] ";
    if (is_last_) {
      text_ += "close";
      is_over_ = true;
    }
    body_.clear();
    in_body_ = false;
  }

  bool refuse(http::detail::framing_error error) {
    text_ += "!" + std::to_string(error.status);
    is_over_ = true;
    return false;
  }

  std::string method_;
  std::string received_;
  std::string text_;
  std::string body_;
  http::detail::head_parser parser_;
  http::detail::message_head head_;
  http::detail::body_decoder decoder_;
  bool in_body_ = false;
  bool is_last_ = false;
  bool is_over_ = false;
};

/// What comes of `input` in segments of this size; 0: all at once. No method: requests.
inline std::string framing_verdict(std::string_view input, std::size_t segment,
                                   std::string_view method = {}) {
  framing_reader reader(method);
  if (segment == 0) segment = std::max<std::size_t>(input.size(), 1);
  for (std::size_t i = 0; i < input.size(); i += segment) {
    reader.receive(input.substr(i, segment));
  }
  return reader.finish();
}

}  // namespace aio::testing

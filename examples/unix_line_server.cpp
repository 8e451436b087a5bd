// unix_line_server: remembers words for the programs of this machine. They talk to it in
// lines, over a socket that is a file:
//
//   $ unix_line_server /tmp/words.sock
//   Serving on /tmp/words.sock       (until Ctrl-C, which removes the file)
//
//   $ socat - UNIX:/tmp/words.sock
//   set colour blue
//   ok
//   get colour
//   blue
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/program.hpp"

class dictionary {
 public:
  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string name;
    std::string value;
    words >> verb >> name;
    std::getline(words >> std::ws, value);
    if (verb == "set" && !value.empty()) {
      entries_[name] = value;
      return "ok";
    }
    if (verb == "get" && !name.empty()) {
      const auto found = entries_.find(name);
      return found == entries_.end() ? "unknown" : found->second;
    }
    return "please say: set NAME VALUE, or: get NAME";
  }

 private:
  std::map<std::string, std::string> entries_;
};

aio::coro<> talk(dictionary& words, aio::stream_reader reader,
                 aio::stream_writer writer) {
  std::string line;
  do {
    try {
      line = co_await reader.readline();
      if (!line.empty()) writer.write(words.answer(line) + '\n');
    } catch (const std::invalid_argument&) {
      line = "of more than 64 KiB, which is dropped";
      writer.write("this line is too long\n");
    }
    co_await writer.drain();
  } while (!line.empty());
}

aio::coro<int> serve(std::string path) {
  dictionary words;
  const auto handler = [&](aio::stream_reader reader, aio::stream_writer writer) {
    return talk(words, std::move(reader), std::move(writer));
  };
  const aio::server server = co_await aio::start_unix_server(handler, path);
  co_return co_await support::serve_until_signal(server);
}

int main(int argc, char** argv) {
  if (argc != 2 || argv[1][0] == '-') support::exit_with_usage(argv[0], "PATH");
  return support::run("unix_line_server", serve(argv[1]));
}

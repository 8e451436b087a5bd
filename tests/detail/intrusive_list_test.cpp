// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/intrusive_list.hpp>

#include <support/catch.hpp>

#include <string>

namespace {

struct node : aio::detail::list_hook<> {
  explicit node(char n) : name(n) {}
  char name;
};

using list = aio::detail::intrusive_list<node>;

std::string names(list& nodes) {
  std::string result;
  nodes.for_each([&](node& n) { result += n.name; });
  return result;
}

}  // namespace

TEST_CASE("intrusive_list: keeps the order of arrival", "[detail][intrusive_list]") {
  list nodes;
  node a('a'), b('b'), c('c');
  CHECK(nodes.empty());
  nodes.push_back(b);
  nodes.push_back(c);
  nodes.push_front(a);

  CHECK(names(nodes) == "abc");
  CHECK(&nodes.front() == &a);
  CHECK(&nodes.pop_front() == &a);
  CHECK_FALSE(a.is_linked());
  CHECK(names(nodes) == "bc");
  nodes.pop_front();
  nodes.pop_front();
  CHECK(nodes.empty());
}

TEST_CASE("intrusive_list: a node takes the place of another",
          "[detail][intrusive_list]") {
  list nodes;
  node a('a'), b('b'), c('c'), d('d'), e('e');
  for (node* n : {&a, &b}) nodes.push_back(*n);
  a.replace_with(c);
  CHECK(names(nodes) == "cb");
  CHECK_FALSE(a.is_linked());
  b.replace_with(d);
  CHECK(names(nodes) == "cd");
  a.replace_with(e);
  CHECK_FALSE(e.is_linked());
  CHECK(names(nodes) == "cd");
}

TEST_CASE("intrusive_list: a node leaves by itself, from anywhere and only once",
          "[detail][intrusive_list]") {
  list nodes;
  node a('a'), b('b'), c('c');
  for (node* n : {&a, &b, &c}) nodes.push_back(*n);

  b.unlink();
  CHECK(names(nodes) == "ac");
  b.unlink();
  CHECK(names(nodes) == "ac");
  a.unlink();
  c.unlink();
  CHECK(nodes.empty());

  nodes.push_back(b);
  CHECK(names(nodes) == "b");
  b.unlink();
}

TEST_CASE("intrusive_list: splicing takes all nodes in their order",
          "[detail][intrusive_list]") {
  list nodes, others, none;
  node a('a'), b('b'), c('c'), d('d');
  nodes.push_back(b);
  others.push_back(c);
  others.push_back(d);

  nodes.splice_back(others);
  nodes.splice_back(none);
  CHECK(names(nodes) == "bcd");
  CHECK(others.empty());

  others.push_back(a);
  nodes.splice_front(others);
  nodes.splice_front(none);
  CHECK(names(nodes) == "abcd");
  CHECK(others.empty());

  while (!nodes.empty()) nodes.pop_front();
  CHECK_FALSE(d.is_linked());
}

TEST_CASE("intrusive_list: the node that is visited may leave",
          "[detail][intrusive_list]") {
  list nodes;
  node a('a'), b('b'), c('c');
  for (node* n : {&a, &b, &c}) nodes.push_back(*n);

  std::string seen;
  nodes.for_each([&](node& n) {
    seen += n.name;
    n.unlink();
  });
  CHECK(seen == "abc");
  CHECK(nodes.empty());
}

TEST_CASE("intrusive_list: with tags an object stands in two lists",
          "[detail][intrusive_list]") {
  struct other_tag;
  struct in_two : aio::detail::list_hook<>, aio::detail::list_hook<other_tag> {};
  aio::detail::intrusive_list<in_two> first;
  aio::detail::intrusive_list<in_two, other_tag> second;
  in_two a, b;
  first.push_back(a);
  first.push_back(b);
  second.push_back(b);
  second.push_back(a);
  CHECK(&first.pop_front() == &a);
  CHECK(&second.pop_front() == &b);
  CHECK(&first.front() == &b);
  CHECK(&second.front() == &a);
  first.pop_front();
  second.pop_front();
}

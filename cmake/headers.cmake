# The floor plan: every header of aio, lowest first.
#
# A header includes only headers that stand above it in this list. The same list is what
# gets installed, what is compiled header by header in the tests, and a good order to read
# the library in. The ctest `floors` (cmake/check_floors.cmake) holds the headers to it.

# The floors, lowest first. Asio starts at the door, which is io: nothing before it may
# use Asio, nor a header that does. OpenSSL is behind tls, which nothing needs.
set(AIO_FLOORS detail core coro task sync io net os files tls http web debug testing)
set(AIO_FLOORS_WITH_ASIO io net os files tls http web testing)
set(AIO_FLOORS_WITH_OPENSSL tls)

set(AIO_HEADERS
    # detail: plain tools that know nothing of aio
    aio/detail/scope_exit.hpp
    aio/detail/intrusive_list.hpp
    aio/detail/intrusive_ptr.hpp
    aio/detail/move_only_function.hpp
    aio/detail/frame_pool.hpp
    aio/detail/ring.hpp
    # core: time, errors, the loop
    aio/core/config.hpp
    aio/core/clock.hpp
    aio/core/error.hpp
    aio/core/exception_context.hpp
    aio/core/exception_group.hpp
    aio/core/context.hpp
    aio/core/result.hpp
    aio/core/driver.hpp
    aio/core/ready_node.hpp
    aio/core/timer_heap.hpp
    aio/core/inbox.hpp
    aio/core/loop.hpp
    aio/core/handle.hpp
    # coro: frames and suspension
    aio/coro/code_place.hpp
    aio/coro/concepts.hpp
    aio/coro/completion.hpp
    aio/coro/task_state.hpp
    aio/coro/promise.hpp
    aio/coro/suspension.hpp
    aio/coro/wait_list.hpp
    aio/coro/foreign_await.hpp
    aio/coro/coro.hpp
    aio/coro/async_generator.hpp
    # task: what runs
    aio/task/future.hpp
    aio/task/task.hpp
    aio/task/sleep.hpp
    aio/task/end_of.hpp
    aio/task/shield.hpp
    aio/task/gather.hpp
    aio/task/wait.hpp
    aio/task/timeout.hpp
    aio/task/with.hpp
    aio/task/task_group.hpp
    aio/task/as_completed.hpp
    aio/task/run_until_complete.hpp
    # sync: what tasks wait for
    aio/sync/detail/tie.hpp
    aio/sync/detail/line.hpp
    aio/sync/detail/acquire.hpp
    aio/sync/event.hpp
    aio/sync/lock.hpp
    aio/sync/condition.hpp
    aio/sync/semaphore.hpp
    aio/sync/barrier.hpp
    aio/sync/queue.hpp
    # io: the door to Asio
    aio/io/epoll_set.hpp
    aio/io/wake_timer.hpp
    aio/io/asio_driver.hpp
    aio/io/event_loop.hpp
    aio/io/descriptors.hpp
    aio/io/wait_ready.hpp
    aio/io/await.hpp
    aio/io/use_aio.hpp
    aio/io/spawn.hpp
    aio/io/threads.hpp
    aio/io/run_coroutine_threadsafe.hpp
    aio/io/signal_station.hpp
    aio/io/ctrl_c.hpp
    aio/io/run.hpp
    aio/io/run_workers.hpp
    # net: endpoints, streams, servers, protocols
    aio/net/endpoint.hpp
    aio/net/detail/socket_address.hpp
    aio/net/ssl_error.hpp
    aio/net/tls_info.hpp
    aio/net/detail/tls_engine.hpp
    aio/net/ssl_context.hpp
    aio/net/detail/tls_settings.hpp
    aio/net/options.hpp
    aio/net/detail/block_stack.hpp
    aio/net/detail/read_buffer.hpp
    aio/net/detail/write_buffer.hpp
    aio/net/detail/native_socket.hpp
    aio/net/detail/no_sigpipe.hpp
    aio/net/protocol.hpp
    aio/net/transport.hpp
    aio/net/detail/transport_base.hpp
    aio/net/detail/byte_transport.hpp
    aio/net/detail/plaintext_room.hpp
    aio/net/tls_transport.hpp
    aio/net/detail/handshake_wait.hpp
    aio/net/start_tls.hpp
    aio/net/detail/descriptor_transport.hpp
    aio/net/stream_transport.hpp
    aio/net/detail/pipe_transport.hpp
    aio/net/detail/resolver_pool.hpp
    aio/net/getaddrinfo.hpp
    aio/net/sock_calls.hpp
    aio/net/sendfile.hpp
    aio/net/resolve.hpp
    aio/net/connect_error.hpp
    aio/net/detail/connect_race.hpp
    aio/net/connect.hpp
    aio/net/create_connection.hpp
    aio/net/detail/socket_file.hpp
    aio/net/detail/server_state.hpp
    aio/net/detail/listen.hpp
    aio/net/server.hpp
    aio/net/create_server.hpp
    aio/net/detail/reader_state.hpp
    aio/net/detail/read_rules.hpp
    aio/net/stream_reader.hpp
    aio/net/detail/stream_connection.hpp
    aio/net/stream_writer.hpp
    aio/net/open_connection.hpp
    aio/net/start_server.hpp
    aio/net/unix.hpp
    aio/net/pipes.hpp
    aio/net/datagram_protocol.hpp
    aio/net/detail/datagram_socket.hpp
    aio/net/create_datagram_endpoint.hpp
    aio/net/udp_socket.hpp
    # os: signals, processes
    aio/os/signals.hpp
    aio/os/serve_until_signal.hpp
    aio/os/subprocess_options.hpp
    aio/os/detail/start_child.hpp
    aio/os/detail/child.hpp
    aio/os/subprocess_protocol.hpp
    aio/os/subprocess.hpp
    # files: in threads
    aio/files/file_error.hpp
    aio/files/open_options.hpp
    aio/files/detail/path_argument.hpp
    aio/files/detail/text.hpp
    aio/files/detail/file_core.hpp
    aio/files/detail/file_state.hpp
    aio/files/detail/file_operations.hpp
    aio/files/file.hpp
    aio/files/open.hpp
    aio/files/status.hpp
    aio/files/paths.hpp
    aio/files/directories.hpp
    aio/files/temporary.hpp
    aio/files/wrap.hpp
    # tls: on OpenSSL
    aio/tls/openssl_error.hpp
    aio/tls/openssl_bio.hpp
    aio/tls/openssl_certificate.hpp
    aio/tls/openssl_engine.hpp
    aio/tls/openssl_context.hpp
    aio/tls/make_context.hpp
    # http: messages, their framing, the client
    aio/http/detail/characters.hpp
    aio/http/detail/percent.hpp
    aio/http/detail/base64.hpp
    aio/http/headers.hpp
    aio/http/status.hpp
    aio/http/date.hpp
    aio/http/detail/message_head.hpp
    aio/http/detail/framing_fields.hpp
    aio/http/detail/head_parser.hpp
    aio/http/detail/body_decoder.hpp
    aio/http/detail/head_writer.hpp
    aio/http/websocket_message.hpp
    aio/http/detail/utf8_checker.hpp
    aio/http/detail/websocket_deflate.hpp
    aio/http/detail/websocket_frames.hpp
    aio/http/detail/websocket_core.hpp
    aio/http/detail/websocket_handshake.hpp
    aio/http/prepared_message.hpp
    aio/http/websocket.hpp
    aio/http/error.hpp
    aio/http/parameters.hpp
    aio/http/form_data.hpp
    aio/http/detail/request_url.hpp
    aio/http/cookie_jar.hpp
    aio/http/detail/inflate.hpp
    aio/http/client_options.hpp
    aio/http/detail/client_connection.hpp
    aio/http/detail/connection_pool.hpp
    aio/http/detail/client_request.hpp
    aio/http/detail/exchange.hpp
    aio/http/client_response.hpp
    aio/http/detail/client_core.hpp
    aio/http/client_session.hpp
    aio/http/json.hpp
    aio/http/ws_connect.hpp
    # web: the server
    aio/web/detail/normal_path.hpp
    aio/web/detail/path_regex.hpp
    aio/web/detail/path_pattern.hpp
    aio/web/text_map.hpp
    aio/web/detail/form.hpp
    aio/web/cookies.hpp
    aio/web/form_data.hpp
    aio/web/http_error.hpp
    aio/web/keys.hpp
    aio/web/detail/multipart.hpp
    aio/web/detail/exchange.hpp
    aio/web/request.hpp
    aio/web/response.hpp
    aio/web/multipart_reader.hpp
    aio/web/detail/deflate.hpp
    aio/web/stream_response.hpp
    aio/web/sse_response.hpp
    aio/web/json.hpp
    aio/web/handler.hpp
    aio/web/detail/router.hpp
    aio/web/detail/application_state.hpp
    aio/web/detail/cleanup_contexts.hpp
    aio/web/static_files.hpp
    aio/web/application.hpp
    aio/web/normalize_path.hpp
    aio/web/access_logger.hpp
    aio/web/format_logger.hpp
    aio/web/detail/deadline_line.hpp
    aio/web/detail/server_core.hpp
    aio/web/detail/input_buffer.hpp
    aio/web/detail/response_head.hpp
    aio/web/detail/file_answer.hpp
    aio/web/detail/connection.hpp
    aio/web/detail/connection_output.hpp
    aio/web/detail/connection_input.hpp
    aio/web/detail/connection_task.hpp
    aio/web/app_runner.hpp
    aio/web/sites.hpp
    aio/web/run_app.hpp
    aio/web/websocket_response.hpp
    # debug: who waits for what
    aio/debug/format_tasks.hpp
    # testing: virtual time, other orders, connections without sockets
    aio/testing/virtual_driver.hpp
    aio/testing/virtual_loop.hpp
    aio/testing/shuffle.hpp
    aio/testing/run_virtual.hpp
    aio/testing/cancel_sweep.hpp
    aio/testing/cancel_at_every_await.hpp
    aio/testing/sequencer.hpp
    aio/testing/memory_transport.hpp
    aio/testing/memory_streams.hpp
    aio/testing/web_client.hpp
    # The front doors, for users; no header above includes one.
    aio/task.hpp
    aio/sync.hpp
    aio/net.hpp
    aio/web.hpp
    aio/files.hpp
    aio/tls.hpp
    aio/http.hpp
    aio/testing.hpp
    aio/aio.hpp
)

# A server in a container: built in one stage, run in another that has neither
# a compiler nor a shell's worth of tools, as somebody who isn't root.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev make
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin tidings

FROM debian:bookworm-slim
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
# Rust's TLS takes the system's roots for a PostgreSQL that asks for them.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tidings \
 && install -d -o tidings -g tidings -m 0700 /var/lib/tidings
USER 10001:10001
ENV TIDINGS_DATA_DIR=/var/lib/tidings TIDINGS_LISTEN=0.0.0.0:8000
VOLUME /var/lib/tidings
EXPOSE 8000
# SIGTERM stops in order, within ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["serve"]

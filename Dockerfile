# Builds the server in one stage, and runs it in another without a compiler, as
# a user other than root. The second stage has Debian's shell and basic tools.
#
# A tag can move. For a reproducible build, pass both images by digest, as in
# --build-arg RUN_IMAGE=debian:bookworm-slim@sha256:… (see docs/deploy.md).
ARG BUILD_IMAGE=rust:1.95-slim-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM $BUILD_IMAGE AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev make
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin tidings

FROM $RUN_IMAGE
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
# TLS to PostgreSQL trusts the roots compiled in from webpki-roots. The system's
# certificates are for a `sslrootcert` in the database URL.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tidings \
 && install -d -o tidings -g tidings -m 0700 /var/lib/tidings
USER 10001:10001
ENV TIDINGS_DATA_DIR=/var/lib/tidings TIDINGS_LISTEN=0.0.0.0:8000
VOLUME /var/lib/tidings
EXPOSE 8000
# On SIGTERM the server shuts down gracefully within ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["serve"]

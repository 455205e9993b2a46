# Ayni in two stages: built where Rust is, run where nothing is. Used by docker-compose.yml.
FROM rust:1.95-bookworm AS build
WORKDIR /ayni
COPY . .
RUN cargo build --release --locked

# The same Debian as above: the binary uses its C library, and nothing else of it.
FROM debian:bookworm-slim
# Time zones: by TZ it is decided when a day is over.
RUN apt-get update && apt-get install -y --no-install-recommends tzdata && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home ayni
COPY --from=build /ayni/target/release/ayni /usr/local/bin/ayni
USER ayni
# In a container the server must listen on all addresses to be reached; which of them are open to whom, Docker decides.
ENV AYNI_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["ayni"]
CMD ["serve"]

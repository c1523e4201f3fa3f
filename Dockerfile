# A release is built on the digest that metadata.yaml names: --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=docker.io/airbyte/python-connector-base:4.0.2

FROM ${BASE_IMAGE} AS build
USER root
WORKDIR /build
ENV UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/airbyte/venv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
COPY tools/uv-requirements.txt tools/
RUN python -m venv uv && uv/bin/pip install --no-cache-dir --quiet --require-hashes -r tools/uv-requirements.txt
# The versions and hashes of uv.lock, less what a declarative source never imports.
COPY pyproject.toml uv.lock ./
COPY tools/containers/unused-packages.txt tools/containers/
RUN uv/bin/uv export --quiet --locked --only-group build --output-file builders.txt && \
    uv/bin/pip install --no-cache-dir --quiet --require-hashes -r builders.txt
RUN uv/bin/uv sync --quiet --locked --no-dev --no-install-project --python "$(command -v python)" \
    $(sed -n 's/^\([a-z].*\)/--no-install-package \1/p' tools/containers/unused-packages.txt)
COPY README.md LICENSE manifest.yaml ./
COPY schemas schemas
COPY source_stripe source_stripe
RUN uv/bin/python -m hatchling build --target wheel --directory dist && \
    uv/bin/uv pip install --quiet --python /airbyte/venv --no-deps dist/*.whl && \
    find /airbyte/venv -type d -name tests -prune -exec rm -r {} +

FROM ${BASE_IMAGE}
LABEL io.airbyte.name=source-stripe \
      io.airbyte.version=0.1.0 \
      org.opencontainers.image.licenses=MIT
COPY --from=build /airbyte/venv /airbyte/venv
WORKDIR /airbyte/integration_code
USER airbyte
ENV PATH="/airbyte/venv/bin:${PATH}" \
    AIRBYTE_ENTRYPOINT=/airbyte/venv/bin/source-stripe
ENTRYPOINT ["/airbyte/venv/bin/source-stripe"]

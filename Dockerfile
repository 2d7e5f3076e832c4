# The image of every Digest process: web, worker, beat, migrations.
FROM python:3.13-slim AS build

WORKDIR /build
RUN python -m venv /opt/digest
ENV PATH=/opt/digest/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The pinned packages are a layer of their own: it changes only when a lock file does.
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes -r requirements-build.lock -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY templates templates
COPY src src
RUN pip install --no-deps --no-build-isolation . \
 && pip uninstall --yes hatchling editables

FROM python:3.13-slim

RUN useradd --system --uid 10001 --home-dir /var/lib/digest --shell /usr/sbin/nologin digest \
 && install --directory --owner digest --group digest --mode 0700 \
    /var/lib/digest /var/lib/digest/secrets /var/lib/digest/journals /var/lib/digest/run /var/lib/digest/caught
COPY --from=build /opt/digest /opt/digest
WORKDIR /srv/digest
COPY worker.py ./

ENV PATH=/opt/digest/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DIGEST_DATA_DIR=/var/lib/digest \
    DIGEST_LOG_JSON=true
USER digest
EXPOSE 8025
# SIGTERM is what every process stops on; give a worker 45 seconds (docker stop --time 45).
STOPSIGNAL SIGTERM
CMD ["digest", "web"]

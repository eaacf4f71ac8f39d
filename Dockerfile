# syntax=docker/dockerfile:1
# Two images of one build: `app` (API, scheduler, migrations, crawls by hand) and `node` (Scrapyd).
#   docker build --target app --tag trr .
#   docker build --target node --tag trr-node .        # --build-arg PACKAGES=chromium for IMDB_TRANSPORT=browser

# The version that the tests run on.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /venv
COPY pyproject.toml constraints.txt ./
COPY trr_crawl/version.py trr_crawl/
# All that the project needs, and not the project: a change of its code installs nothing anew.
RUN touch README.md \
    && /venv/bin/pip install -c constraints.txt '.[crawl,api,fleet]' \
    && /venv/bin/pip uninstall --yes trr

FROM python:${PYTHON}-slim AS base
ARG PACKAGES=""
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home trr \
    && install -d -o trr -g trr /srv/trr /srv/trr/.trr /srv/objects
COPY --from=dependencies /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TRR_HOME=/srv/trr/.trr
WORKDIR /srv/trr
ENTRYPOINT ["tini", "--"]

# A node has no project of its own: an installed one would cover the egg that `scrapy deploy` brings.
FROM base AS node
COPY --chown=trr:trr scrapyd.conf ./
# Within the network of the containers, and never published: whoever reaches it can run code.
RUN sed -i 's/^bind_address.*/bind_address = 0.0.0.0/' scrapyd.conf
USER trr
EXPOSE 6800
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:6800/daemonstatus.json', timeout=4)"]
CMD ["scrapyd", "--pidfile="]

FROM base AS app
COPY --chown=trr:trr . .
# Editable: the migrations lie beside the packages.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . && chown -R trr:trr trr.egg-info
USER trr
ENV TRR_API_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["python", "-m", "trr_api"]

"""Scrapy settings. What a user may set in the environment is tabled in the README; `-s NAME=value` sets any of them."""

import os

from trr_crawl.version import VERSION

_contact = os.environ.get("TRR_CONTACT")

BOT_NAME = "trr"
SPIDER_MODULES = ["trr_crawl.spiders"]
NEWSPIDER_MODULE = "trr_crawl.spiders"
COMMANDS_MODULE = "trr_crawl.commands"

# Politeness: who we are, what we may, how fast.
USER_AGENT = f"trr/{VERSION} ({f'+{_contact}' if _contact else 'reality-TV catalog, operator not named'})"
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS_PER_DOMAIN = 2
DOWNLOAD_DELAY = 1.0
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
COOKIES_ENABLED = False
# Blocks in a row that make us stop asking a host; seconds until we ask once more; how often we do that in vain before
# we give up. A challenge is the end at once: waiting changes nothing about it.
BREAKER_BLOCKS = 3
BREAKER_PAUSE = 60.0
BREAKER_TRIES = 2
BREAKER_FINAL = ["challenge"]
# The longest Retry-After that we wait for, seconds. So many requests may a run send, 0 for any number.
RETRY_AFTER_MAX = 300.0
REQUEST_BUDGET = 0

# Limits: a source that hangs or floods us must not take the run down.
DOWNLOAD_TIMEOUT = 30
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
DOWNLOAD_WARNSIZE = 16 * 1024 * 1024
RETRY_GIVE_UP_LOG_LEVEL = "WARNING"

# Nobody talks to a running crawl from outside.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO")
LOG_JSON = os.environ.get("LOG_JSON", "false")
LOG_SHORT_NAMES = True
LOG_FORMATTER = "trr_crawl.logs.QuietItems"

# IMDb. Titles, dates and certificates follow the caller's country and language.
IMDB_TRANSPORT = os.environ.get("IMDB_TRANSPORT", "")
IMDB_COUNTRY = os.environ.get("IMDB_COUNTRY", "US")
IMDB_LANGUAGE = os.environ.get("IMDB_LANGUAGE", "en-US")
IMDB_WEB_URL = "https://www.imdb.com"
IMDB_GRAPHQL_URL = "https://api.graphql.imdb.com/"
IMDB_SUGGESTION_URL = "https://v3.sg.media-imdb.com/suggestion/titles/x"
IMDB_GRAPHQL_HEADERS = os.environ.get("IMDB_GRAPHQL_HEADERS", "{}")
# Fandom: where its wikis are; a wiki that lags further behind than so many seconds asks us to come back later.
FANDOM_URL = "https://{wiki}.fandom.com"
FANDOM_MAXLAG = 5
# TMDb. The key is read from TMDB_BEARER_TOKEN or TMDB_API_KEY when a request goes out, and is no setting: settings get
# into logs. A folder in TMDB_CACHE keeps answers, so that unchanged ones are only confirmed (ETag).
TMDB_BASE_URL = os.environ.get("TMDB_BASE_URL", "https://api.themoviedb.org")
TMDB_FILES_URL = os.environ.get("TMDB_FILES_URL", "https://files.tmdb.org/p/exports/")
TMDB_LANGUAGE = os.environ.get("TMDB_LANGUAGE", "en-US")
TMDB_CACHE = os.environ.get("TMDB_CACHE", "")
# Seconds to wait, one after the other, when a host says that we ask too often and not when to come back.
BACK_OFF_SECONDS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    "Accept-Language": f"{IMDB_LANGUAGE},en;q=0.8",
}

# Pictures. Crawls store facts, and fetch pictures along only where IMAGES is set; `scrapy mirror-images` fetches what
# is missing. They are kept in s3://bucket/prefix, or under .trr/objects where IMAGES_STORE is empty.
IMAGES = os.environ.get("IMAGES", "false")
IMAGES_STORE = os.environ.get("IMAGES_STORE", "")
IMAGES_CDN_URL = os.environ.get("IMAGES_CDN_URL", "")
AWS_REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
AWS_ENDPOINT_URL = os.environ.get("AWS_ENDPOINT_URL", "")
AWS_PROFILE = os.environ.get("AWS_PROFILE", "")
# Days until an address is asked again, whether it has another picture by now.
IMAGES_EXPIRES = 90
IMAGES_MAX_BYTES = 32 * 1024 * 1024
IMAGES_MAX_PIXELS = 60_000_000
IMAGES_VARIANTS = True
# Pictures that are being stored at a time; processes that decode them.
IMAGES_CONCURRENCY = 8
IMAGES_WORKERS = max(1, (os.cpu_count() or 1) - 1)
# Where the pictures of each source are, and nowhere else.
IMAGES_HOSTS = {
    "imdb": ["m.media-amazon.com"],
    "tmdb": ["image.tmdb.org"],
    "fandom": ["static.wikia.nocookie.net"],
}
IMAGES_PRIVATE_HOST = None
MEDIA_ALLOW_REDIRECTS = True
TWISTED_DNS_RESOLVER = "trr_crawl.images.hosts.Resolver"
# These hosts are made for readers who want many pictures at once.
DOWNLOAD_SLOTS = {host: {"concurrency": 2, "delay": 0.25} for hosts in IMAGES_HOSTS.values() for host in hosts}

ADDONS = {"trr_crawl.transport.Transport": 0}
EXTENSIONS = {"trr_crawl.runs.RunRecorder": 0, "trr_crawl.terminal.ProgressLine": 500}
DOWNLOADER_MIDDLEWARES = {
    "trr_crawl.images.hosts.ImageGuard": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "trr_crawl.politeness.RobotsTxt": 100,
    "trr_crawl.blocks.BlockMiddleware": 545,  # after the retries (550)
    "trr_crawl.backoff.BackOffMiddleware": 553,  # before them
    "trr_crawl.retry_after.RetryAfterMiddleware": 555,  # before that
    "trr_crawl.fleetwide.FleetPace": 900,  # the last wait before the download
    "trr_crawl.archive.RecordMiddleware": 950,  # closest to the network: what really came
}
SPIDER_MIDDLEWARES = {
    "trr_crawl.spiders.base.PageErrorMiddleware": 40,
    "trr_crawl.handover.HandOver": 1000,  # closest to the spider
    # Made for spiders that follow links; each of them costs time for every item.
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
# Scrapy starts so many tasks for every response; the items of a page are handed over one by one.
CONCURRENT_ITEMS = 1
ITEM_PROCESSOR = "trr_crawl.handover.Pipelines"
ITEM_PIPELINES = {
    "trr_crawl.pipelines.normalize.NormalizePipeline": 100,
    "trr_crawl.pipelines.deduplicate.DeduplicatePipeline": 200,
    "trr_crawl.pipelines.images.ImagesPipeline": 500,
    "trr_crawl.pipelines.store.StorePipeline": 900,
}
STORE_BATCH_SIZE = 2000
STORE_FLUSH_SECONDS = 5.0
HEARTBEAT_SECONDS = 15.0

# Operations. So many things are handed out to a run at once of what is due. The node that runs us, as a scheduler names
# it. Another time than the real one, for rehearsals. A run ends before its disk has less room than this, megabytes.
DUE_BATCH = 50
NODE = os.environ.get("TRR_NODE", "")
CLOCK = os.environ.get("TRR_CLOCK", "")
DISK_RESERVE = 200
# The fleet: its Scrapyd nodes; seconds between two requests to a host, over all of them (0 for no such number), and for
# hosts that need another one; how many times slower a node goes by itself while it cannot ask the others.
SCRAPYD_NODES = os.environ.get("SCRAPYD_NODES", "")
FLEET_DELAY = os.environ.get("FLEET_DELAY", "0")
FLEET_DELAYS: dict[str, float] = {}
FLEET_ALONE = 4.0

# The opt-in browser: an honest one, headless and under our own name.
PLAYWRIGHT_BROWSER_TYPE = "chromium"
PLAYWRIGHT_LAUNCH_OPTIONS = {
    "executable_path": os.environ.get("PLAYWRIGHT_CHROMIUM"),
    # Chromium refuses its sandbox to root.
    "args": ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [],
}
PLAYWRIGHT_CONTEXTS = {
    # Pages carry their data as they arrive. Without scripts a challenge stays a challenge: we solve none.
    "default": {"user_agent": USER_AGENT, "locale": IMDB_LANGUAGE, "java_script_enabled": False}
}
PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT = DOWNLOAD_TIMEOUT * 1000
PLAYWRIGHT_MAX_PAGES_PER_CONTEXT = 2
PLAYWRIGHT_ABORT_REQUEST = "trr_crawl.handlers.is_decoration"

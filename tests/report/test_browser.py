"""The page in a real browser, offline: skipped where there is no Chromium or no Playwright."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the PATH")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        # A container's root has no sandbox to use.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(
    params=[(390, "light"), (768, "dark"), (1280, "light")], ids=["phone", "tablet", "wide"]
)
def shown(request, browser, page):
    """The page in a window, with the browser's complaints and network requests."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    window = context.new_page()
    window.complaints = []
    window.on("console", lambda message: window.complaints.append(message.text))
    window.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:")) or window.complaints.append(request.url)
        ),
    )
    window.goto(page.as_uri())
    yield window
    context.close()


def test_everything_is_shown(shown):
    """All images load, nothing is wider than the window, and there are no complaints."""
    sizes = shown.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert sizes == [80] * 32
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert shown.complaints == []


def test_the_video_plays(shown):
    """It advances and has its own size."""
    video = shown.locator("video")
    # Not `wait_for_function`: the page's own policy forbids the script that it would add.
    reached = video.evaluate(
        """video => new Promise(resolve => {
            setTimeout(() => resolve(video.currentTime), 10000)
            video.ontimeupdate = () => video.currentTime > 0.2 && resolve(video.currentTime)
            video.play()
        })"""
    )
    assert reached > 0.2
    assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == [320, 420]
    assert video.evaluate("video => video.error") is None
    assert shown.complaints == []


def test_colours_follow_the_scheme(shown):
    """Text is dark on light or light on dark, also in the plots."""
    paper, ink = shown.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(document.querySelector('.plot svg text')).fill]"""
    )
    brightness = [sum(map(int, colour[4:-1].split(","))) for colour in (paper, ink)]
    dark = shown.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (brightness[0] < brightness[1]) == dark

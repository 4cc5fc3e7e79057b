"""The page of results is self-contained, escapes its text and renders in a real browser."""
import contextlib
import http.server
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import urllib.parse

import numpy as np
import pytest

from kitti_data.images import read_rgb, write_png
from kitti_data.video import VideoWriter
from kitti_eval import eval_flow, html_report, report
from vo_common.errors import UserError

MAGENTA = (255, 0, 255)


@pytest.fixture
def page(tmp_path):
    """The path of a page with one block of each kind; its picture is plain magenta."""
    picture = str(tmp_path / 'magenta.png')
    write_png(picture, np.full((100, 200, 3), MAGENTA, np.uint8))
    path = tmp_path / 'report.html'
    html_report.write_page(str(path), 'A <test> & more', [
        html_report.heading('Figures'), html_report.paragraph('1 < 2'),
        html_report.note('trained on this'), html_report.commands(['python a.py --b="c"', 'ls']),
        report.Table('ATE', [('mean', '%.3f'), ('std', '%.1f')],
                     [('prediction', {'mean': 0.01234, 'std': 2}),
                      ('baseline', {'mean': 1})]).block(),
        html_report.picture(picture, 'a "picture"')])
    return path


def test_a_page_escapes_text_and_loads_nothing_from_elsewhere(page):
    text = page.read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', text)
    assert sources and all(source.startswith('data:image/png;base64,') for source in sources)
    assert 'url(' not in text and '@import' not in text and '<script' not in text
    for shown in ('A &lt;test&gt; &amp; more', '1 &lt; 2', '--b=&quot;c&quot;', 'a &quot;picture'):
        assert shown in text
    cells = [[cell.strip() for cell in re.findall(r'<t[hd]>(.*?)</t[hd]>', row)]
             for row in re.findall(r'<tr>(.*?)</tr>', text)]
    assert cells == [['', 'mean', 'std'], ['prediction', '0.012', '2.0'],
                     ['baseline', '1.000', '-']]  # a dash for what is absent


@pytest.mark.parametrize('name, message', [('none.png', 'none.png does not exist'),
                                           ('text.txt', 'must be one of')])
def test_an_invalid_picture_is_reported(tmp_path, name, message):
    (tmp_path / 'text.txt').write_text('no picture')
    with pytest.raises(UserError, match=message):
        html_report.picture(str(tmp_path / name))


@contextlib.contextmanager
def browser(page, folder, *flags):
    """Runs headless Chromium on a page; yields its <Popen>. Skips without Chromium."""
    program = shutil.which('chromium') or shutil.which('chromium-browser')
    if not program:
        pytest.skip('needs chromium')
    process = subprocess.Popen(
        [program, '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
         '--disable-background-networking', '--user-data-dir=%s' % (folder / 'user'), *flags,
         page.as_uri()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_browser_draws_the_page_with_its_picture(page, tmp_path):
    shot = tmp_path / 'shot.png'
    with browser(page, tmp_path, '--window-size=900,900', '--screenshot=%s' % shot) as process:
        assert process.wait(timeout=300) == 0
    image = read_rgb(str(shot))
    magenta = (image == MAGENTA).all(axis=-1)
    assert magenta.sum() == 100 * 200
    rows, columns = np.nonzero(magenta)
    assert np.ptp(rows) == 99 and np.ptp(columns) == 199
    # Above the picture stand title, text and table, dark on light.
    assert (image[:rows.min()].max(axis=-1) < 100).sum() > 500


@pytest.mark.parametrize('argv', [['--plot', '--pred_dir=a b'], None])
def test_a_page_shows_the_command_of_its_evaluation_whatever_called_it(tmp_path, monkeypatch, argv):
    monkeypatch.setattr('sys.argv', ['experiments/learn_kitti.py', '--minutes=70'])
    report.write_page(str(tmp_path / 'page'), report.Table('title', [('mean', '%g')], []), [],
                      eval_flow.__file__, argv)
    command = re.search('<pre>(.*)</pre>', (tmp_path / 'page.html').read_text()).group(1)
    assert command == 'python kitti_eval/eval_flow.py ' + (
        '--plot &#x27;--pred_dir=a b&#x27;' if argv else '--minutes=70')


# Plays the video of a page to its end and sends the result to a server.
_PLAYER = '''<script>
const video = document.querySelector('video');
const send = result => new Image().src = '%s/' + [
    result, video.videoWidth, video.videoHeight, video.currentTime].join(',');
video.addEventListener('ended', () => send('ended'));
video.addEventListener('error', () => send(video.error.message));
video.play().catch(error => send(error));
</script></body>'''


@pytest.fixture
def results():
    """(port of a server on this host, queue of the paths that are requested from it)."""
    paths = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):

        def do_GET(self):
            paths.put(urllib.parse.unquote(self.path))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, paths
        server.shutdown()
        thread.join()


@pytest.mark.parametrize('embedded', [True, False])
def test_a_browser_plays_the_video_of_a_page_to_its_end(tmp_path, monkeypatch, results, embedded):
    with VideoWriter(str(tmp_path / 'my drive #1'), 10.0) as writer:
        for level in range(20):
            writer.write(np.full((65, 131, 3), 12 * level, np.uint8))
    if not embedded:
        monkeypatch.setattr(html_report, '_LARGEST_EMBEDDED', 0)
    page = tmp_path / 'report.html'
    html_report.write_page(str(page), 'A video', [html_report.video(writer.path, str(tmp_path))])
    text = page.read_text()
    assert ('src="data:video/mp4;base64,' in text) == embedded
    assert ('src="my%20drive%20%231.mp4"' in text) != embedded
    port, paths = results
    page.write_text(text.replace('</body>', _PLAYER % ('http://127.0.0.1:%d' % port)))
    with browser(page, tmp_path, '--autoplay-policy=no-user-gesture-required',
                 '--remote-debugging-port=0'):
        assert paths.get(timeout=300) == '/ended,130,64,2'

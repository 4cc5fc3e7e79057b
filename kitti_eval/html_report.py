"""One self-contained page of results: tables, pictures and commands in a single HTML file.

A page is a list of blocks in reading order, each made by one of the functions here. Pictures and
short videos are embedded, so that the file can be mailed or opened from any folder.
"""
import base64
import glob
import html
import os
import shlex
import sys
import urllib.parse

from tabulate import tabulate

from kitti_eval import report
from vo_common.errors import UserError
from vo_common.files import require_file, write_text

_STYLE = '''
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 0.8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.3rem; }
th, td { padding: 0.25rem 0.8rem; border-bottom: 1px solid #d0d7de; text-align: right; }
th:first-child, td:first-child { text-align: left; }
figure { display: inline-block; margin: 0.6rem 0.8rem 0.6rem 0; max-width: 100%; }
figure img, video { max-width: 100%; display: block; }
figcaption { font-size: 0.85rem; color: #57606a; }
pre { background: #f6f8fa; padding: 0.6rem 0.8rem; overflow-x: auto; font-size: 0.85rem; }
.note { border-left: 4px solid #bf8700; padding-left: 0.8rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; } pre { background: #161b22; }
  th, td { border-color: #30363d; } figcaption { color: #8b949e; } figure img { background: #fff; }
}
'''
_MOST_PICTURES = 8
_PICTURES = {'.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg',
             '.gif': 'image/gif'}
_VIDEOS = {'.mp4': 'video/mp4'}
_LARGEST_EMBEDDED = 2 << 20  # bytes of a video


def heading(text):
    """A heading below the title."""
    return '<h2>%s</h2>' % html.escape(text)


def paragraph(text):
    """A paragraph of plain text."""
    return '<p>%s</p>' % html.escape(text)


def note(text):
    """A paragraph that stands out, such as a warning about the results."""
    return '<p class="note">%s</p>' % html.escape(text)


def commands(lines):
    """Command lines, one a line, as they were run."""
    return '<pre>%s</pre>' % html.escape('\n'.join(lines))


def table(title, columns, rows):
    """The table that `report.print_table` prints.

    Args:
      title: what stands above it.
      columns: list of (key, format); the key is the heading.
      rows: list of (label, dict key -> number). A key that is absent or None is shown as '-'.
    """
    cells = [[label] + report.cells(columns, values) for label, values in rows]
    lines = tabulate(cells, [''] + [key for key, _ in columns], tablefmt='html',
                     disable_numparse=True)
    return lines.replace('<table>', '<table><caption>%s</caption>' % html.escape(title), 1)


def picture(path, caption=''):
    """A PNG, JPEG or GIF file, embedded.

    Raises:
      UserError: the file is missing or of another kind.
    """
    return _figure('<img src="%s" alt="%s">' % (
        _embedded(path, _PICTURES),
        html.escape(caption or os.path.basename(path), quote=True)), caption)


def video(path, page_folder, caption=''):
    """An MP4 file, as `kitti_data.video` writes it: embedded while small, else linked.

    Args:
      path: the file; a GIF, which is written without ffmpeg, is shown as a picture.
      page_folder: of the page, to which a link is relative.
      caption: what is shown.

    Raises:
      UserError: the file is missing or of another kind.
    """
    if path.lower().endswith('.gif'):
        return picture(path, caption)
    small = os.path.getsize(require_file(path, 'video')) <= _LARGEST_EMBEDDED
    source = _embedded(path, _VIDEOS) if small else urllib.parse.quote(
        os.path.relpath(path, page_folder))
    return _figure('<video controls muted src="%s"></video>' % source, caption)


def _figure(content, caption):
    return '<figure>%s<figcaption>%s</figcaption></figure>' % (content, html.escape(caption))


def _embedded(path, kinds):
    """The data URI of a file; `kinds` are {ending: media type}."""
    kind = kinds.get(os.path.splitext(path)[1].lower())
    if not kind:
        raise UserError('%s: must be one of %s' % (path, ', '.join(sorted(kinds))))
    with open(require_file(path, 'picture or video'), 'rb') as stream:
        return 'data:%s;base64,%s' % (kind, base64.b64encode(stream.read()).decode('ascii'))


def evaluation_page(path, table_shown, pictures, program, argv=None):
    """Writes the page of an evaluation: its command, its table, its pictures.

    Args:
      path: the HTML file.
      table_shown: what `report.print_table` returns.
      pictures: paths of picture files, or their folder; at most `_MOST_PICTURES` are shown.
      program: `__file__` of the evaluation.
      argv: the arguments of its `main`; None takes those of the process.
    """
    command = ['python', os.path.relpath(program, os.path.dirname(os.path.dirname(__file__)))]
    command += sys.argv[1:] if argv is None else argv
    if isinstance(pictures, str):
        pictures = sorted(glob.glob(os.path.join(glob.escape(pictures), '*.png')))
    shown = pictures[::max(1, -(-len(pictures) // _MOST_PICTURES))]
    write_page(path, table_shown[0], [commands([' '.join(map(shlex.quote, command))]),
                                      table(*table_shown)] + [picture(one) for one in shown])


def write_page(path, title, blocks):
    """Writes the page, whole, and prints its path.

    Args:
      path: the HTML file.
      title: of the page.
      blocks: list of what the functions above return.
    """
    page = ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<title>%s</title><style>%s</style></head>\n<body>\n<h1>%s</h1>\n%s\n'
            '</body></html>\n' % (html.escape(title), _STYLE, html.escape(title),
                                  '\n'.join(blocks)))
    # File names are bytes, and those that the locale cannot decode are kept.
    write_text(path, page.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace'))
    print('written: %s' % path)

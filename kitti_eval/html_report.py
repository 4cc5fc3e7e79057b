"""One self-contained page of results: tables, pictures and commands in a single HTML file.

A page is a list of blocks, each made by one of the functions here, in the order in which they are
read. Pictures are inside the file, so that it can be mailed or opened from any folder.
"""
import base64
import glob
import html
import os
import shlex
import sys

from common.errors import UserError
from common.files import require_file, write_text

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
figure img { max-width: 100%; display: block; }
figcaption { font-size: 0.85rem; color: #57606a; }
pre { background: #f6f8fa; padding: 0.6rem 0.8rem; overflow-x: auto; font-size: 0.85rem; }
.note { border-left: 4px solid #bf8700; padding-left: 0.8rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; } pre { background: #161b22; }
  th, td { border-color: #30363d; } figcaption { color: #8b949e; } figure img { background: #fff; }
}
'''
_MOST_PICTURES = 8
_KINDS = {'.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.gif': 'image/gif'}


def heading(text):
    """A heading below the title."""
    return '<h2>%s</h2>' % html.escape(text)


def paragraph(text):
    """A paragraph of plain text."""
    return '<p>%s</p>' % html.escape(text)


def note(text):
    """A paragraph that a reader must not miss, such as that a figure is too good."""
    return '<p class="note">%s</p>' % html.escape(text)


def commands(lines):
    """Command lines, one below the other, as they were run."""
    return '<pre>%s</pre>' % html.escape('\n'.join(lines))


def table(title, columns, rows):
    """The table that `report.print_table` prints.

    Args:
      title: what stands above it.
      columns: list of (key, format); the key is the heading.
      rows: list of (label, dict key -> number). A key that is absent or None is shown as '-'.
    """
    head = ''.join('<th>%s</th>' % html.escape(key) for key in [''] + [key for key, _ in columns])
    body = ''
    for label, values in rows:
        cells = [label] + ['-' if values.get(key) is None else form % values[key]
                           for key, form in columns]
        body += '<tr>%s</tr>' % ''.join('<td>%s</td>' % html.escape(cell) for cell in cells)
    return '<table><caption>%s</caption><tr>%s</tr>%s</table>' % (html.escape(title), head, body)


def picture(path, caption=''):
    """A picture file, taken into the page.

    Raises:
      UserError: the file is missing or no PNG, JPEG or GIF.
    """
    kind = _KINDS.get(os.path.splitext(path)[1].lower())
    if not kind:
        raise UserError('%s: must be one of %s' % (path, ', '.join(sorted(_KINDS))))
    with open(require_file(path, 'picture'), 'rb') as stream:
        data = base64.b64encode(stream.read()).decode('ascii')
    return '<figure><img src="data:%s;base64,%s" alt="%s"><figcaption>%s</figcaption></figure>' % (
        kind, data, html.escape(caption or os.path.basename(path), quote=True),
        html.escape(caption))


def evaluation_page(path, table_shown, pictures, program, argv=None):
    """Writes what an evaluation found: its command, its table, its pictures.

    Args:
      path: the HTML file.
      table_shown: what `report.print_table` returns.
      pictures: paths of picture files, or the folder that holds them; of many some are shown.
      program: `__file__` of the evaluation.
      argv: the arguments that its `main` was called with; None are those of the process.
    """
    command = ['python', os.path.relpath(program, os.path.dirname(os.path.dirname(__file__)))]
    command += sys.argv[1:] if argv is None else argv
    if isinstance(pictures, str):
        pictures = sorted(glob.glob(os.path.join(glob.escape(pictures), '*.png')))
    shown = pictures[::max(1, -(-len(pictures) // _MOST_PICTURES))]
    write_page(path, table_shown[0], [commands([' '.join(map(shlex.quote, command))]),
                                      table(*table_shown)] + [picture(one) for one in shown])


def write_page(path, title, blocks):
    """Writes the page, whole, and says where it is.

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
    # Names of files are bytes: what the locale could not read of them stands as it is.
    write_text(path, page.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace'))
    print('written: %s' % path)

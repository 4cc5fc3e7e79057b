"""A page of results with tables, pictures and commands in a single HTML file.

A page is a list of blocks in reading order, each made by one of the functions here. Pictures and
short videos are embedded, so that the file can be mailed or moved.
"""
import base64
import html
import os
import urllib.parse

from vo_common.errors import UserError
from vo_common.files import require_file, write_text

_STYLE = '''
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
'''
_KINDS = {'.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.gif': 'image/gif',
          '.mp4': 'video/mp4'}
_LARGEST_EMBEDDED = 2 << 20  # bytes; larger videos are linked


def heading(text):
    """A heading below the title."""
    return '<h2>%s</h2>' % html.escape(text)


def paragraph(text):
    """A paragraph of plain text."""
    return '<p>%s</p>' % html.escape(text)


def note(text):
    """A highlighted paragraph, such as a warning about the results."""
    return '<p class="note">%s</p>' % html.escape(text)


def commands(lines):
    """A block of command lines."""
    return '<pre>%s</pre>' % html.escape('\n'.join(lines))


def picture(path, caption=''):
    """A PNG, JPEG or GIF file, embedded; a UserError if it is missing or of another kind."""
    return _figure('<img src="%s" alt="%s">' % (
        _embedded(path), html.escape(caption or os.path.basename(path))), caption)


def video(path, page_folder, caption=''):
    """An MP4 or GIF file written by `kitti_data.video`; errors as `picture`.

    A large MP4 is not embedded but linked, relative to `page_folder`, the folder of the page.
    """
    if path.lower().endswith('.gif'):
        return picture(path, caption)
    small = os.path.getsize(require_file(path, 'video')) <= _LARGEST_EMBEDDED
    source = _embedded(path) if small else urllib.parse.quote(os.path.relpath(path, page_folder))
    return _figure('<video controls muted src="%s"></video>' % source, caption)


def _figure(content, caption):
    return '<figure>%s<figcaption>%s</figcaption></figure>' % (content, html.escape(caption))


def _embedded(path):
    """The data URI of a file."""
    kind = _KINDS.get(os.path.splitext(path)[1].lower())
    if not kind:
        raise UserError('%s: must be one of %s' % (path, ', '.join(_KINDS)))
    with open(require_file(path, 'picture or video'), 'rb') as stream:
        return 'data:%s;base64,%s' % (kind, base64.b64encode(stream.read()).decode('ascii'))


def write_page(path, title, blocks):
    """Writes a page of `blocks`, results of the functions above, and prints its path."""
    page = ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<title>%s</title><style>%s</style></head>\n<body>\n<h1>%s</h1>\n%s\n'
            '</body></html>\n' % (html.escape(title), _STYLE, html.escape(title),
                                  '\n'.join(blocks)))
    # File names may hold bytes that the locale cannot decode.
    write_text(path, page.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace'))
    print('written: %s' % path)

"""Damage to files as caused by disks, networks, editors and attackers."""
import json

TOKENS = ['', 'nan', 'NaN', 'inf', '-inf', '1e400', '-1e400', '1e200', '1e-320', '0', '-0', '-1',
          '1', '9' * 400, '0x10', '1_000', '٣', '²', '中', 'é', '\ud800', '\0', 'null', 'true',
          '../..', '/etc/passwd', '~', '$HOME', '%s%n', '"', "'", '\\', ',', ' ', '\t', '\n',
          '\r', '﻿',
          'A' * 100000]
VALUES = [None, True, False, 0, -1, 1, 2 ** 63, -2 ** 64, 1.5, 1e308, float('nan'), float('inf'),
          '', 'x', '../..', '\0', '中', '9' * 500, [], {}, [[]], [None], {'': None}, [1] * 1000]


def mutate_bytes(rng, data):
    """Returns `data` with one change."""
    if not data:
        return b'\0'
    # Half of the changes are in the header, with sizes and types.
    at = rng.randrange(min(len(data), 64) if rng.random() < 0.5 else len(data))
    end = min(len(data), at + rng.choice([1, 2, 4, 8, 64, 1024]))
    before, middle, after = data[:at], data[at:end], data[end:]

    def noise(size):
        return bytes(rng.choices(range(256), k=size))

    return rng.choice([
        before,
        b'',
        before + bytes([middle[0] ^ 1 << rng.randrange(8)]) + middle[1:] + after,
        before + b'\xff' * len(middle) + after,
        before + b'\0' * len(middle) + after,
        before + noise(len(middle)) + after,
        before + after,
        before + middle + middle + after,
        noise(rng.choice([1, 8, 100, 5000])),
        data + before])


def mutate_text(rng, data):
    """Changes a word, a line or the encoding of a text; takes and returns bytes."""
    lines = data.decode('utf-8').split('\n')
    kind = rng.randrange(10)
    row = rng.randrange(len(lines))
    words = lines[row].split(' ')
    column = rng.randrange(len(words))
    if kind <= 3:
        words[column] = rng.choice(TOKENS)
    elif kind == 4:
        del words[column]
    elif kind == 5:
        words.insert(column, rng.choice(words))
    lines[row] = ' '.join(words)
    if kind == 6:
        del lines[row]
    elif kind == 7:
        lines.insert(row, rng.choice(lines))
    elif kind == 8:
        return mutate_bytes(rng, data)
    text = '\n'.join(lines)
    if kind == 9:
        coding = rng.choice(['utf-16', 'utf-8-sig', 'utf-32'])
        return text.replace('\n', rng.choice(['\r\n', '\r', '\n\n'])).encode(coding)
    return text.encode('utf-8', 'surrogatepass')


def mutate_json(rng, data):
    """Changes one value, key or bracket of a JSON text, or of one line of JSON lines."""
    lines = data.decode('utf-8').split('\n')
    try:
        value = json.loads(data.decode('utf-8'))
        lines = None
    except ValueError:  # JSON lines
        row = rng.randrange(len([line for line in lines if line]))
        value = json.loads(lines[row])
    kind = rng.randrange(8)
    if kind == 0:
        return mutate_bytes(rng, data)
    if kind == 1:
        text = '[' * 100000
    elif kind == 2:
        text = json.dumps(rng.choice(VALUES))
    else:
        _replace_somewhere(rng, value)
        text = json.dumps(value)
    if lines is not None:
        lines[row] = text
        text = '\n'.join(lines)
    return text.encode('utf-8', 'surrogatepass')


def _replace_somewhere(rng, value):
    """Replaces or deletes one item in nested dicts and lists."""
    while isinstance(value, (dict, list)) and value:
        key = rng.choice(sorted(value)) if isinstance(value, dict) else rng.randrange(len(value))
        if not isinstance(value[key], (dict, list)) or not value[key] or rng.random() < 0.3:
            if rng.random() < 0.15:
                del value[key]
            else:
                value[key] = rng.choice(VALUES)
            return
        value = value[key]

import re

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([-+*/^()]))")


def evaluate(text, variables=None):
    parser = _Parser(_tokens(text), variables or {})
    value = parser.sum()
    if parser.next is not None:
        raise ValueError("unexpected %r" % (parser.next[1],))
    return value


def _tokens(text):
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError("unexpected %r" % (text[at],))
        tokens.append(("number", "name", "sign")[match.lastindex - 1:match.lastindex] + (match.group(match.lastindex),))
        at = match.end()
    for (kind, _), (other, sign) in zip(tokens, tokens[1:]):
        if kind == "name" and sign == "(":
            raise ValueError("a name can't be called")
    return tokens


class _Parser:
    def __init__(self, tokens, variables):
        self._tokens = tokens
        self._variables = variables

    @property
    def next(self):
        return self._tokens[0] if self._tokens else None

    def _take(self, signs):
        if self.next is not None and self.next[0] == "sign" and self.next[1] in signs:
            return self._tokens.pop(0)[1]
        return None

    def sum(self):
        value = self.product()
        while sign := self._take("+-"):
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self):
        value = self.signed()
        while sign := self._take("*/"):
            other = self.signed()
            value = value * other if sign == "*" else value / other
        return value

    def signed(self):
        if self._take("-"):
            return -self.signed()
        return self.power()

    def power(self):
        base = self.atom()
        if self._take("^"):
            return base ** self.signed()
        return base

    def atom(self):
        if self._take("("):
            value = self.sum()
            if not self._take(")"):
                raise ValueError("a parenthesis is not closed")
            return value
        if self.next is None:
            raise ValueError("the expression ends too early")
        kind, word = self._tokens.pop(0)
        if kind == "number":
            return float(word)
        if kind == "name":
            return self._variables[word]
        raise ValueError("unexpected %r" % (word,))

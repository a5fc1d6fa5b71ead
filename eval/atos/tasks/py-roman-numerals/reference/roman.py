VALUES = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number):
    if not 1 <= number <= 3999:
        raise ValueError("%r is not from 1 to 3999" % (number,))
    text = ""
    for value, sign in VALUES:
        while number >= value:
            text += sign
            number -= value
    return text


def from_roman(text):
    rest, number = text, 0
    for value, sign in VALUES:
        while rest.startswith(sign):
            number += value
            rest = rest[len(sign):]
    if rest or not 1 <= number <= 3999 or to_roman(number) != text:
        raise ValueError("%r is no Roman numeral" % (text,))
    return number

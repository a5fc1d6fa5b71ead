def flip_text(text):
    return text[::-1]

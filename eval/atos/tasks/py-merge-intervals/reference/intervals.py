def merge(intervals):
    for start, end in intervals:
        if end < start:
            raise ValueError("(%r, %r) ends before it starts" % (start, end))
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged

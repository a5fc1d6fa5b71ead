import csv
import io


def summarize(text):
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    columns = {name: [] for name in header}
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError("line %d has %d fields, not %d" % (reader.line_num, len(row), len(header)))
        for name, field in zip(header, row):
            columns[name].append(field.strip())
    return {name: found for name, fields in columns.items() if (found := _summary(fields))}


def _summary(fields):
    try:
        numbers = [float(field) for field in fields if field]
    except ValueError:
        return None
    if not numbers:
        return None
    return {"count": len(numbers), "min": min(numbers), "max": max(numbers), "mean": sum(numbers) / len(numbers)}

def main():
    return '{"error": {"code": "INTERNAL"}}'

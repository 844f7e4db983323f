def main():
    return ['ok', '\ud800']

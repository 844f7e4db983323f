def main():
    return {f'k{i}': i for i in range(20000)}

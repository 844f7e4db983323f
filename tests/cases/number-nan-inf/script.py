def main():
    return [float('nan'), float('inf'), -float('inf')]

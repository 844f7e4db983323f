größe = "Ω"


def main():
    naïve = {"schlüssel": größe, "日本": "語"}
    print(naïve["日本"])
    return naïve

import getpass
import os
import pwd


def name_of_uid():
    """At the level "standard" the machine's list of users need not know the uid."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None


def main():
    strong = os.getcwd() == "/tmp"
    return [name_of_uid() == "sandbox" or not strong, getpass.getuser(), os.path.expanduser("~") == os.getcwd(),
            os.getuid() != 0]

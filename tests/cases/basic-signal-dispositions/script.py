import signal


def main():
    names = ["SIGINT", "SIGTERM", "SIGCHLD", "SIGHUP", "SIGQUIT", "SIGUSR1"]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return [{n: int(signal.getsignal(getattr(signal, n)) in
                    (signal.SIG_DFL, signal.default_int_handler)) for n in names}, len(blocked)]

# SPDX-License-Identifier: Apache-2.0
"""tap - looks over the shoulders of a line at work

Packets as they are on the wire, TLS opened in the middle, the link to the device, and the
memory of processes, again and again while they work. What was seen is kept, to be searched
when the secrets are known.
"""
import hashlib, itertools, os, pathlib, select, socket, ssl, struct, threading

PAGE = os.sysconf("SC_PAGE_SIZE")
OVERLAP = 64           # of a page and the next: a value may lie across
SHADOW_PAGES = 1 << 18  # a mapping that large is a sanitizer's shadow
TH_PAYLOAD = 12        # offset of the data offset in a TCP head


def memory_of(pid):
    """Every writable page of a process that there is, run by run."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            start, end = (int(part, 16) // PAGE for part in span.split("-"))
            if "w" not in rights or end - start > SHADOW_PAGES:
                continue
            flags = struct.unpack(f"={end - start}Q",
                                  os.pread(pagemap.fileno(), 8 * (end - start), 8 * start))
            for there, run in itertools.groupby(range(end - start), lambda n: flags[n] >> 62):
                run = list(run)
                if there:  # in memory or swapped out
                    yield os.pread(memory.fileno(), len(run) * PAGE, (start + run[0]) * PAGE)


class Sampler:
    """Reads the memory of processes until it is stopped. Pages that it has seen before, in the
    same role, are not kept again."""

    def __init__(self, processes):
        self.processes, self.pages, self.counts = processes, {}, {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.is_set():
            for pid, role in self.processes().items():
                try:
                    self.sample(pid, role)
                except (OSError, ProcessLookupError):
                    continue  # it has just ended

    def sample(self, pid, role):
        pages = self.pages.setdefault(role, {})
        for part in memory_of(pid):
            for at in range(0, len(part), PAGE):
                page = part[at:at + PAGE + OVERLAP]
                pages.setdefault(hashlib.blake2b(page, digest_size=16).digest(), page)
        self.counts[role] = self.counts.get(role, 0) + 1

    def seen(self, role):
        return b"".join(self.pages[role].values())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.stopping.set()
        self.thread.join()


def pump(pair, records):
    """Until one end closes: what one says the other hears, and we write it down."""
    one, other = pair
    other_of = {one: (other, records[0]), other: (one, records[1])}
    while True:
        pending = [end for end in pair if isinstance(end, ssl.SSLSocket) and end.pending()]
        for end in pending or select.select(pair, [], [])[0]:
            to, record = other_of[end]
            try:
                data = end.recv(65536)
                record += data
                to.sendall(data)
            except OSError:
                data = b""
            if not data:
                for closing in pair:
                    closing.close()
                return


class Tap:
    """A relay; `accept` and `connect` make the two ends of each connection."""

    def __init__(self, listener, accept, connect):
        self.listener, self.accept, self.connect = listener, accept, connect
        self.conversations = []
        listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(raw,), daemon=True).start()

    def relay(self, raw):
        try:
            pair = self.accept(raw), self.connect()
        except OSError:
            raw.close()
            return
        records = bytearray(), bytearray()
        self.conversations.append(records)
        pump(pair, records)

    def seen(self):
        """Each direction of each connection, as one piece."""
        return [bytes(record) for records in list(self.conversations) for record in records]


def tls_tap(factory, station="BENCH"):
    """(tap, port): a server to the station, and the station to the server. What the network is
    kept from seeing by TLS is in the open here."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(factory.path("server.pem"), factory.path("server.key"))
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    server.load_verify_locations(factory.path("line.pem"))
    server.verify_mode = ssl.CERT_REQUIRED
    client = factory.client(station).context

    def connect():
        raw = socket.create_connection(("127.0.0.1", factory.port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client.wrap_socket(raw, server_hostname="127.0.0.1")
    return Tap(listener, lambda raw: server.wrap_socket(raw, server_side=True), connect), \
        listener.getsockname()[1]


def link_tap(path, slot):
    """Between a device that comes to `path` and the station's end of the link at `slot`."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)

    def connect():
        end = socket.socket(socket.AF_UNIX)
        end.connect(slot)
        return end
    return Tap(listener, lambda raw: raw, connect)


class Sniffer:
    """Every TCP packet of the loopback interface from or to some ports, put together by
    connection and direction. For root."""

    def __init__(self, *ports):
        self.ports, self.flows, self.stopping = set(ports), {}, threading.Event()
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
        self.wire.bind(("lo", 0))
        self.wire.settimeout(0.2)
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.is_set():
            try:
                packet, where = self.wire.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if where[2] != socket.PACKET_OUTGOING:  # on lo each comes twice
                self.take(packet[14:])

    def take(self, ip):
        if ip[9] != socket.IPPROTO_TCP:
            return
        tcp = ip[4 * (ip[0] & 15):struct.unpack(">H", ip[2:4])[0]]
        ports = struct.unpack(">HH", tcp[:4])
        if self.ports & set(ports):
            self.flows.setdefault(ports, bytearray()).extend(tcp[4 * (tcp[TH_PAYLOAD] >> 4):])

    def seen(self):
        return [bytes(flow) for flow in self.flows.values()]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.stopping.set()
        self.thread.join()
        self.wire.close()


def children_of(pid):
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

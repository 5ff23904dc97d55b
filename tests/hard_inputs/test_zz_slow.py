import socket, time, pytest
from tests.hard_inputs.conftest import genuine
def test_slow(webhook):
    target,_=genuine("app",b"")
    cs=[]
    for _ in range(4):
        c=socket.create_connection(("127.0.0.1",webhook.port)); c.sendall(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n<".encode()); cs.append(c)
    time.sleep(1)
    c=socket.create_connection(("127.0.0.1",webhook.port)); c.settimeout(40); c.sendall(b"GET /healthz HTTP/1.0\r\n\r\n"); st=time.time()
    try: r=c.recv(100)
    except TimeoutError: r=b"timeout"
    print("healthz after", round(time.time()-st,1), r[:20])
    for x in cs: x.close()

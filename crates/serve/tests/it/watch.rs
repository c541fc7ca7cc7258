//! gRPC's health checks that go on.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use prost::Message;
use tokio::runtime::Runtime;

use crate::grpc::framed;
use crate::grpc::proto::health::health_check_response::ServingStatus;
use crate::grpc::proto::health::{HealthCheckRequest, HealthCheckResponse};
use crate::scene::{PATIENCE, Scene, push};

/// A client that watches.
struct Watch {
    runtime: Runtime,
    body: h2::RecvStream,
}

impl Watch {
    fn new(scene: &Scene, service: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (address, service) = (scene.address(), service.to_owned());
        let body = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (client, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let mut client = client.ready().await.unwrap();
            let request = Request::post(format!("http://{address}/grpc.health.v1.Health/Watch"))
                .header("content-type", "application/grpc")
                .body(())
                .unwrap();
            let (response, mut stream) = client.send_request(request, false).unwrap();
            let message = HealthCheckRequest { service }.encode_to_vec();
            stream.send_data(framed(&message), true).unwrap();
            response.await.unwrap().into_body()
        });
        Self { runtime, body }
    }

    /// Returns the next status; at the end, nothing.
    fn next(&mut self) -> Option<ServingStatus> {
        let data: Option<Bytes> = self.runtime.block_on(async {
            let data = tokio::time::timeout(PATIENCE, self.body.data()).await.unwrap();
            data.transpose().unwrap()
        });
        let data = data?;
        self.body.flow_control().release_capacity(data.len()).unwrap();
        Some(HealthCheckResponse::decode(&data[5..]).unwrap().status())
    }

    /// Returns whether nothing comes for a moment.
    fn is_quiet(&mut self) -> bool {
        let moment = Duration::from_millis(200);
        self.runtime
            .block_on(async { tokio::time::timeout(moment, self.body.data()).await.is_err() })
    }
}

#[test]
fn whoever_watches_is_told_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::unready(dir, |_, _| {});
    let mut all = ["", "taxi", "nobody"].map(|service| Watch::new(&scene, service));
    let first = all.each_mut().map(|watch| watch.next().unwrap());
    use ServingStatus::{NotServing, ServiceUnknown, Serving};
    assert_eq!(first, [NotServing, NotServing, ServiceUnknown]);

    push(&scene.taxi(), 1, model::Task::Regression, 0.0);
    assert_eq!(all[0].next(), Some(Serving));
    assert_eq!(all[1].next(), Some(Serving));
    // Another version is no other status.
    push(&scene.taxi(), 2, model::Task::Regression, 1.0);
    assert!(all.iter_mut().all(Watch::is_quiet));

    // The end is said, and does not wait for those who watch.
    let server = scene.server.take().unwrap();
    let ending = std::thread::spawn(move || server.shut_down());
    assert_eq!(all[0].next(), Some(NotServing));
    assert_eq!(all[1].next(), Some(NotServing));
    assert!(all.iter_mut().all(|watch| watch.next().is_none()));
    let [mut first, ..] = all;
    let trailers = first.runtime.block_on(first.body.trailers()).unwrap().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "14");
    assert!(ending.join().unwrap());
}

#[test]
fn whoever_leaves_is_forgotten() {
    let scene = Scene::new();
    for _ in 0..20 {
        let mut watch = Watch::new(&scene, "taxi");
        assert_eq!(watch.next(), Some(ServingStatus::Serving));
    }
    let until = std::time::Instant::now() + PATIENCE;
    while scene.metric("cupola_open_connections") > 1 {
        assert!(std::time::Instant::now() < until, "connections are still open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

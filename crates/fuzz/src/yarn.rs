//! The decoders of what comes from YARN: files of tokens, frames of Hadoop's RPC, and the messages in them.

use firesteel_yarn::credentials::tokens_of;
use firesteel_yarn::frames::{FrameBuilder, read_frame, take};
use firesteel_yarn::messages::{
    AllocateResponse, ApplicationId, ApplicationReport, Container, ContainerId, GetApplicationReportResponse,
    RpcResponseHeader, RpcSasl, StartContainersResponse,
};

/// Reads bytes as whatever a container or a connection may bring. What is read as a frame is no longer than the bytes.
pub(crate) fn answers(data: &[u8]) {
    let _ = tokens_of(data);
    if let Ok(frame) = read_frame(&mut &data[..]) {
        assert!(frame.len() + 4 <= data.len());
        let mut rest = &frame[..];
        if take::<RpcResponseHeader>(&mut rest, "a header").is_ok() {
            let _ = take::<RpcSasl>(&mut &*rest, "an offer");
            let _ = take::<AllocateResponse>(&mut &*rest, "an answer");
            let _ = take::<GetApplicationReportResponse>(&mut &*rest, "an answer");
            let _ = take::<StartContainersResponse>(&mut &*rest, "an answer");
        }
    }
}

/// Returns an answer to a heartbeat, a report, and files of tokens.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let header = RpcResponseHeader { call_id: 1, ..RpcResponseHeader::default() };
    let container =
        Container { id: Some(ContainerId { id: Some(2), ..ContainerId::default() }), ..Container::default() };
    let allocated = AllocateResponse {
        response_id: Some(3),
        allocated_containers: vec![container],
        ..AllocateResponse::default()
    };
    let report = ApplicationReport {
        application_id: Some(ApplicationId { id: Some(1), cluster_timestamp: Some(2) }),
        ..ApplicationReport::default()
    };
    let report = GetApplicationReportResponse { application_report: Some(report) };
    let heartbeat = FrameBuilder::new().with(&header).with(&allocated).finish();
    let report = FrameBuilder::new().with(&header).with(&report).finish();
    let tokens = b"HDTS\x00\x01\x00\x01i\x01p\x01K\x01S\x00".to_vec();
    [heartbeat, report].into_iter().flatten().chain([tokens, b"HDTS\x01\x00".to_vec()]).collect()
}

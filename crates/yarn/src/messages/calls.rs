//! Requests and answers of the three protocols: applications, the application master, containers.

use super::envelope::{SerializedException, Token};
use super::records::{
    ApplicationId, ApplicationReport, ApplicationSubmissionContext, Container, ContainerId,
    ContainerLaunchContext, ContainerStatus, NodeId, PreemptionMessage, Resource, ResourceBlacklistRequest,
    ResourceRequest,
};

/// Carries a `GetNewApplicationRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetNewApplicationRequest {}

/// Carries a `GetNewApplicationResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetNewApplicationResponse {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
    #[prost(message, optional, tag = "2")]
    pub maximum_capability: Option<Resource>,
}

/// Carries a `SubmitApplicationRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SubmitApplicationRequest {
    #[prost(message, optional, tag = "1")]
    pub application_submission_context: Option<ApplicationSubmissionContext>,
}

/// Carries a `SubmitApplicationResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SubmitApplicationResponse {}

/// Carries a `GetApplicationReportRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetApplicationReportRequest {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
}

/// Carries a `GetApplicationReportResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetApplicationReportResponse {
    #[prost(message, optional, tag = "1")]
    pub application_report: Option<ApplicationReport>,
}

/// Carries a `KillApplicationRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KillApplicationRequest {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
    #[prost(string, optional, tag = "2")]
    pub diagnostics: Option<String>,
}

/// Carries a `KillApplicationResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KillApplicationResponse {
    #[prost(bool, optional, tag = "1")]
    pub is_kill_completed: Option<bool>,
}

/// Carries a `RegisterApplicationMasterRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RegisterApplicationMasterRequest {
    #[prost(string, optional, tag = "1")]
    pub host: Option<String>,
    #[prost(int32, optional, tag = "2")]
    pub rpc_port: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub tracking_url: Option<String>,
}

/// Carries a `RegisterApplicationMasterResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RegisterApplicationMasterResponse {
    #[prost(message, optional, tag = "1")]
    pub maximum_capability: Option<Resource>,
    #[prost(string, optional, tag = "5")]
    pub queue: Option<String>,
}

/// Carries a `AllocateRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AllocateRequest {
    #[prost(message, repeated, tag = "1")]
    pub ask: Vec<ResourceRequest>,
    #[prost(message, repeated, tag = "2")]
    pub release: Vec<ContainerId>,
    #[prost(message, optional, tag = "3")]
    pub blacklist_request: Option<ResourceBlacklistRequest>,
    #[prost(int32, optional, tag = "4")]
    pub response_id: Option<i32>,
    #[prost(float, optional, tag = "5")]
    pub progress: Option<f32>,
    #[prost(string, optional, tag = "11")]
    pub tracking_url: Option<String>,
}

/// Carries a `NMTokenProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeToken {
    #[prost(message, optional, tag = "1")]
    pub node_id: Option<NodeId>,
    #[prost(message, optional, tag = "2")]
    pub token: Option<Token>,
}

/// Carries a `AllocateResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AllocateResponse {
    #[prost(int32, optional, tag = "1")]
    pub command: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub response_id: Option<i32>,
    #[prost(message, repeated, tag = "3")]
    pub allocated_containers: Vec<Container>,
    #[prost(message, repeated, tag = "4")]
    pub completed_container_statuses: Vec<ContainerStatus>,
    #[prost(message, optional, tag = "5")]
    pub limit: Option<Resource>,
    #[prost(int32, optional, tag = "7")]
    pub num_cluster_nodes: Option<i32>,
    #[prost(message, optional, tag = "8")]
    pub preempt: Option<PreemptionMessage>,
    #[prost(message, repeated, tag = "9")]
    pub nm_tokens: Vec<NodeToken>,
    #[prost(message, optional, tag = "12")]
    pub am_rm_token: Option<Token>,
}

/// Carries a `FinishApplicationMasterRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FinishApplicationMasterRequest {
    #[prost(string, optional, tag = "1")]
    pub diagnostics: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub tracking_url: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub final_application_status: Option<i32>,
}

/// Carries a `FinishApplicationMasterResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FinishApplicationMasterResponse {
    #[prost(bool, optional, tag = "1")]
    pub is_unregistered: Option<bool>,
}

/// Carries a `StartContainerRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StartContainerRequest {
    #[prost(message, optional, tag = "1")]
    pub container_launch_context: Option<ContainerLaunchContext>,
    #[prost(message, optional, tag = "2")]
    pub container_token: Option<Token>,
}

/// Carries a `StartContainersRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StartContainersRequest {
    #[prost(message, repeated, tag = "1")]
    pub start_container_request: Vec<StartContainerRequest>,
}

/// Carries a `ContainerExceptionMapProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerExceptionMap {
    #[prost(message, optional, tag = "1")]
    pub container_id: Option<ContainerId>,
    #[prost(message, optional, tag = "2")]
    pub exception: Option<SerializedException>,
}

/// Carries a `StartContainersResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StartContainersResponse {
    #[prost(message, repeated, tag = "2")]
    pub succeeded_requests: Vec<ContainerId>,
    #[prost(message, repeated, tag = "3")]
    pub failed_requests: Vec<ContainerExceptionMap>,
}

/// Carries a `StopContainersRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StopContainersRequest {
    #[prost(message, repeated, tag = "1")]
    pub container_id: Vec<ContainerId>,
}

/// Carries a `StopContainersResponseProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StopContainersResponse {
    #[prost(message, repeated, tag = "1")]
    pub succeeded_requests: Vec<ContainerId>,
    #[prost(message, repeated, tag = "2")]
    pub failed_requests: Vec<ContainerExceptionMap>,
}

//! The records of YARN that its calls exchange: ids, sizes, containers, applications.

use super::envelope::Token;

/// Carries a `ApplicationIdProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplicationId {
    #[prost(int32, optional, tag = "1")]
    pub id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    pub cluster_timestamp: Option<i64>,
}

/// Carries a `ApplicationAttemptIdProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplicationAttemptId {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
    #[prost(int32, optional, tag = "2")]
    pub attempt_id: Option<i32>,
}

/// Carries a `ContainerIdProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerId {
    #[prost(message, optional, tag = "2")]
    pub app_attempt_id: Option<ApplicationAttemptId>,
    #[prost(int64, optional, tag = "3")]
    pub id: Option<i64>,
}

/// Carries a `NodeIdProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeId {
    #[prost(string, optional, tag = "1")]
    pub host: Option<String>,
    #[prost(int32, optional, tag = "2")]
    pub port: Option<i32>,
}

/// Carries a `ResourceInformationProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceInformation {
    #[prost(string, required, tag = "1")]
    pub key: String,
    #[prost(int64, optional, tag = "2")]
    pub value: Option<i64>,
    #[prost(string, optional, tag = "3")]
    pub units: Option<String>,
}

/// Carries a `ResourceProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Resource {
    #[prost(int64, optional, tag = "1")]
    pub memory: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    pub virtual_cores: Option<i32>,
    #[prost(message, repeated, tag = "3")]
    pub resource_value_map: Vec<ResourceInformation>,
}

/// Carries a `PriorityProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Priority {
    #[prost(int32, optional, tag = "1")]
    pub priority: Option<i32>,
}

/// Carries a `ContainerProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Container {
    #[prost(message, optional, tag = "1")]
    pub id: Option<ContainerId>,
    #[prost(message, optional, tag = "2")]
    pub node_id: Option<NodeId>,
    #[prost(string, optional, tag = "3")]
    pub node_http_address: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub resource: Option<Resource>,
    #[prost(message, optional, tag = "5")]
    pub priority: Option<Priority>,
    #[prost(message, optional, tag = "6")]
    pub container_token: Option<Token>,
    #[prost(int64, optional, tag = "8")]
    pub allocation_request_id: Option<i64>,
}

/// Carries a `URLProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Url {
    #[prost(string, optional, tag = "1")]
    pub scheme: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub host: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub port: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub file: Option<String>,
}

/// Carries a `LocalResourceProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LocalResource {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Url>,
    #[prost(int64, optional, tag = "2")]
    pub size: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub timestamp: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    pub kind: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub visibility: Option<i32>,
}

/// Carries a `ApplicationReportProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplicationReport {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
    #[prost(string, optional, tag = "2")]
    pub user: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub queue: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub host: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub yarn_application_state: Option<i32>,
    #[prost(string, optional, tag = "9")]
    pub tracking_url: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub diagnostics: Option<String>,
    #[prost(int32, optional, tag = "13")]
    pub final_application_status: Option<i32>,
    #[prost(string, optional, tag = "15")]
    pub original_tracking_url: Option<String>,
    #[prost(message, optional, tag = "16")]
    pub current_application_attempt_id: Option<ApplicationAttemptId>,
    #[prost(string, optional, tag = "18")]
    pub application_type: Option<String>,
    #[prost(message, optional, tag = "19")]
    pub am_rm_token: Option<Token>,
    #[prost(string, repeated, tag = "20")]
    pub application_tags: Vec<String>,
    #[prost(bool, optional, tag = "22")]
    pub unmanaged_application: Option<bool>,
}

/// Carries a `ResourceRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceRequest {
    #[prost(message, optional, tag = "1")]
    pub priority: Option<Priority>,
    #[prost(string, optional, tag = "2")]
    pub resource_name: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub capability: Option<Resource>,
    #[prost(int32, optional, tag = "4")]
    pub num_containers: Option<i32>,
    #[prost(bool, optional, tag = "5")]
    pub relax_locality: Option<bool>,
    #[prost(string, optional, tag = "6")]
    pub node_label_expression: Option<String>,
    #[prost(int64, optional, tag = "8")]
    pub allocation_request_id: Option<i64>,
}

/// Carries a `PreemptionMessageProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PreemptionMessage {
    #[prost(message, optional, tag = "1")]
    pub strict_contract: Option<StrictPreemptionContract>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<PreemptionContract>,
}

/// Carries a `StrictPreemptionContractProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StrictPreemptionContract {
    #[prost(message, repeated, tag = "1")]
    pub container: Vec<PreemptionContainer>,
}

/// Carries a `PreemptionContractProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PreemptionContract {
    #[prost(message, repeated, tag = "1")]
    pub resource: Vec<PreemptionResourceRequest>,
    #[prost(message, repeated, tag = "2")]
    pub container: Vec<PreemptionContainer>,
}

/// Carries a `PreemptionContainerProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PreemptionContainer {
    #[prost(message, optional, tag = "1")]
    pub id: Option<ContainerId>,
}

/// Carries a `PreemptionResourceRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PreemptionResourceRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<ResourceRequest>,
}

/// Carries a `ResourceBlacklistRequestProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceBlacklistRequest {
    #[prost(string, repeated, tag = "1")]
    pub blacklist_additions: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub blacklist_removals: Vec<String>,
}

/// Carries a `ApplicationSubmissionContextProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplicationSubmissionContext {
    #[prost(message, optional, tag = "1")]
    pub application_id: Option<ApplicationId>,
    #[prost(string, optional, tag = "2")]
    pub application_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub queue: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub priority: Option<Priority>,
    #[prost(message, optional, tag = "5")]
    pub am_container_spec: Option<ContainerLaunchContext>,
    #[prost(bool, optional, tag = "6")]
    pub cancel_tokens_when_complete: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub unmanaged_am: Option<bool>,
    #[prost(int32, optional, tag = "8")]
    pub max_app_attempts: Option<i32>,
    #[prost(message, optional, tag = "9")]
    pub resource: Option<Resource>,
    #[prost(string, optional, tag = "10")]
    pub application_type: Option<String>,
    #[prost(bool, optional, tag = "11")]
    pub keep_containers_across_application_attempts: Option<bool>,
    #[prost(string, repeated, tag = "12")]
    pub application_tags: Vec<String>,
    #[prost(int64, optional, tag = "13")]
    pub attempt_failures_validity_interval: Option<i64>,
    #[prost(message, optional, tag = "14")]
    pub log_aggregation_context: Option<LogAggregationContext>,
    #[prost(string, optional, tag = "16")]
    pub node_label_expression: Option<String>,
}

/// Carries a `LogAggregationContextProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LogAggregationContext {
    #[prost(string, optional, tag = "3")]
    pub rolled_logs_include_pattern: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub rolled_logs_exclude_pattern: Option<String>,
}

/// Carries a `ContainerLaunchContextProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerLaunchContext {
    #[prost(message, repeated, tag = "1")]
    pub local_resources: Vec<StringLocalResourceMap>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub tokens: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub service_data: Vec<StringBytesMap>,
    #[prost(message, repeated, tag = "4")]
    pub environment: Vec<StringStringMap>,
    #[prost(string, repeated, tag = "5")]
    pub command: Vec<String>,
}

/// Carries a `ContainerStatusProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerStatus {
    #[prost(message, optional, tag = "1")]
    pub container_id: Option<ContainerId>,
    #[prost(int32, optional, tag = "2")]
    pub state: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub diagnostics: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub exit_status: Option<i32>,
}

/// Carries a `StringLocalResourceMapProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringLocalResourceMap {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub value: Option<LocalResource>,
}

/// Carries a `StringStringMapProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringStringMap {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// Carries a `StringBytesMapProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringBytesMap {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub value: Option<Vec<u8>>,
}

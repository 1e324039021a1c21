//! All that events of executors do to the store.

use crate::store::columns::Figures;
use crate::store::fold::Store;
use crate::store::records::{Executor, StageKey, raise};
use crate::store::views::{ExecutorResource, PeakMemory, ResourceProfileInfo, TaskResource};
use firesteel_events::{
    BlockManagerAdded, ExecutorAdded, ExecutorMetricsUpdate, ExecutorRemoved, ResourceProfileAdded,
};
use std::sync::Arc;

impl Store {
    pub(crate) fn profile_added(&mut self, event: &ResourceProfileAdded) {
        let executor = event.executor_requests.iter().map(|(name, told)| {
            let resource = ExecutorResource {
                resource_name: told.resource_name.clone(),
                amount: told.amount,
                discovery_script: told.discovery_script.clone(),
                vendor: told.vendor.clone(),
            };
            (name.clone(), resource)
        });
        let task = event.task_requests.iter().map(|(name, told)| {
            let amount = told.amount;
            (name.clone(), TaskResource { resource_name: told.resource_name.clone(), amount })
        });
        let profile = ResourceProfileInfo {
            id: event.id,
            executor_resources: executor.collect(),
            task_resources: task.collect(),
        };
        self.profiles.insert(event.id, profile);
    }

    /// Returns the record of an executor, which an event may name before it is added.
    fn executor(&mut self, id: &str, at: i64) -> &mut Executor {
        let logs = match id {
            "driver" => self.application.driver_logs.clone(),
            _ => Default::default(),
        };
        let id: Arc<str> = id.into();
        self.executors.entry(id.clone()).or_insert_with(|| Executor {
            id,
            added: at,
            active: true,
            logs,
            ..Executor::default()
        })
    }

    pub(crate) fn executor_added(&mut self, event: &ExecutorAdded) {
        self.tick(event.timestamp);
        let properties = &self.environment.spark_properties;
        let per_task: Option<i64> = properties.get("spark.task.cpus").and_then(|cpus| cpus.parse().ok());
        let info = &event.executor_info;
        let executor = self.executor(&event.executor_id, event.timestamp);
        executor.host.clone_from(&info.host);
        executor.active = true;
        executor.cores = info.total_cores;
        executor.slots = info.total_cores / per_task.unwrap_or(1).max(1);
        if !info.log_urls.is_empty() {
            executor.logs.clone_from(&info.log_urls);
        }
        executor.attributes.clone_from(&info.attributes);
        executor.resources.clone_from(&info.resources);
        executor.profile = info.resource_profile_id;
    }

    pub(crate) fn executor_removed(&mut self, event: &ExecutorRemoved) {
        self.tick(event.timestamp);
        let Some(mut executor) = self.executors.remove(event.executor_id.as_str()) else { return };
        executor.active = false;
        executor.removed = Some((event.timestamp, event.removed_reason.clone()));
        self.forget_blocks(&event.executor_id);
        self.dead.push_back(executor);
        let surplus = Store::surplus(self.dead.len(), self.retained.dead_executors);
        self.dead.drain(..surplus);
    }

    pub(crate) fn set_excluded(&mut self, at: i64, id: &str, excluded: bool) {
        self.tick(at);
        if let Some(executor) = self.executors.get_mut(id) {
            executor.excluded = excluded;
        }
    }

    /// Notes of all executors of a host that they are excluded, or not any more. As in Spark, executors that come later are
    /// not shown as such.
    pub(crate) fn set_host_excluded(&mut self, at: i64, host: &str, excluded: bool) {
        for id in self.executors_on(host) {
            self.set_excluded(at, &id, excluded);
        }
    }

    pub(crate) fn exclude_for_stage(&mut self, at: i64, key: StageKey, id: &str) {
        self.tick(at);
        let revision = self.revision;
        let Some(executor) = self.executors.get_mut(id) else { return };
        let Some(stage) = self.stages.get_mut(&key).filter(|stage| stage.live) else { return };
        stage.revision = revision;
        stage.share(&executor.id).excluded = true;
        executor.excluded_in.insert(key.0);
    }

    pub(crate) fn exclude_host_for_stage(&mut self, at: i64, key: StageKey, host: &str) {
        for id in self.executors_on(host) {
            self.exclude_for_stage(at, key, &id);
        }
    }

    fn executors_on(&self, host: &str) -> Vec<Arc<str>> {
        let there =
            self.executors.values().filter(|executor| executor.host == host && &*executor.id != "driver");
        there.map(|executor| executor.id.clone()).collect()
    }

    pub(crate) fn block_manager_added(&mut self, event: &BlockManagerAdded) {
        self.tick(event.timestamp);
        let at = &event.block_manager_id;
        let executor = self.executor(&at.executor_id, event.timestamp);
        if let Some(on_heap) = event.maximum_on_heap_memory {
            executor.max_on_heap = Some(on_heap);
            executor.max_off_heap = event.maximum_off_heap_memory.unwrap_or(0);
            // It tells all its blocks afterwards.
            executor.used_on_heap = 0;
            executor.used_off_heap = 0;
        }
        executor.active = true;
        executor.host_port = Some(format!("{}:{}", at.host, at.port));
        executor.max_memory = event.maximum_memory;
    }

    pub(crate) fn executor_metrics(&mut self, event: &ExecutorMetricsUpdate) {
        let id: Arc<str> = event.executor_id.as_str().into();
        let at = self.last_event;
        for told in &event.metrics_updated {
            let task = told.get("Task ID").and_then(|task| task.as_i64());
            let accumulators = told.get("Accumulator Updates").and_then(|all| all.as_array());
            if let (Some(task), Some(accumulators)) = (task, accumulators) {
                self.task_figures(task, &id, &Figures::of_accumulators(accumulators));
            }
        }
        for told in &event.executor_metrics_updated {
            let figures = PeakMemory::of(&told.executor_metrics);
            self.raise_executor(&id, &figures);
            if told.stage_id >= 0 {
                self.raise_stage((told.stage_id, told.stage_attempt_id), &id, &figures);
            } else if let Some(executor) = self.executors.get_mut(&id) {
                executor.remember(at, figures);
            }
        }
    }

    pub(crate) fn raise_executor(&mut self, id: &Arc<str>, figures: &PeakMemory) {
        let dead = self.dead.iter_mut().rev().find(|dead| dead.id == *id);
        if let Some(executor) = self.executors.get_mut(id).or(dead) {
            raise(&mut executor.peak, Some(figures));
        }
    }
}

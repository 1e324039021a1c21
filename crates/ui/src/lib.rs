//! The pages and the REST interface of applications, and the history server.

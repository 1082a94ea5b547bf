//! demo
pub(crate) async fn run(_: crate::cli::DemoFlags, _: crate::output::Output) -> anyhow::Result<()> { Ok(()) }

namespace Hopseal.Control;

/// <summary>Does what commands ask, each by the part of the gateway that it is about.</summary>
sealed class ControlOperations(
    QueueOperations queue, PlanOperations plans, TlsOperations tls, AlertOperations alerts, ReportOperations reports, RequireOperations required,
    MonitorOperations monitor)
{
    /// <summary>The lines of the answer, the last one included.</summary>
    /// <exception cref="Relay.Queue.QueueStoreException">The queue cannot be read or written.</exception>
    public IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, CancellationToken cancel) => request.Command switch
    {
        ControlCommand.Plan => plans.RunAsync(request, cancel),
        ControlCommand.TlsList or ControlCommand.TlsForget => tls.RunAsync(request, cancel),
        ControlCommand.AlertTest or ControlCommand.AlertSilence => alerts.RunAsync(request, cancel),
        ControlCommand.ReportSend => reports.RunAsync(request, cancel),
        ControlCommand.RequireList or ControlCommand.RequireAdd or ControlCommand.RequireRemove => required.RunAsync(request, cancel),
        ControlCommand.MonitorLook or ControlCommand.MonitorAccept => monitor.RunAsync(request, cancel),
        _ => queue.RunAsync(request, cancel),
    };
}

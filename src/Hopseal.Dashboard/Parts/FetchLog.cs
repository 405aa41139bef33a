using Microsoft.Extensions.Logging;

namespace Hopseal.Dashboard.Parts;

static partial class FetchLog
{
    [LoggerMessage(3303, LogLevel.Warning, "{What} cannot be shown in the dashboard")]
    public static partial void Failed(ILogger log, Exception fault, string what);
}

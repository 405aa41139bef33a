using System.Text.Encodings.Web;
using System.Text.Json;
using Hopseal.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Hopseal;

/// <summary>Where the gateway's log goes: standard error, one line an event; for a person on a terminal, as JSON for a machine.</summary>
static class GatewayLog
{
    public static ILoggerFactory Create(LogSettings settings, bool terminal, bool colours) => LoggerFactory.Create(builder => Configure(builder, settings, terminal, colours));

    public static void Configure(ILoggingBuilder builder, LogSettings settings, bool terminal, bool colours)
    {
        builder.SetMinimumLevel(settings.Level);
        builder.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        if (settings.Format is LogFormat.Text || (settings.Format is LogFormat.Automatic && terminal))
        {
            builder.AddSimpleConsole(options =>
            {
                options.SingleLine = true;
                options.TimestampFormat = "HH:mm:ss ";
                options.ColorBehavior = colours ? LoggerColorBehavior.Enabled : LoggerColorBehavior.Disabled;
            });
        }
        else
        {
            builder.AddJsonConsole(options =>
            {
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

                // Not for a web page: quotes and control characters are escaped all the same.
                options.JsonWriterOptions = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
            });
        }
    }
}

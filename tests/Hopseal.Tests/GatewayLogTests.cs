using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Relay;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Hopseal.Tests;

public sealed partial class GatewayLogTests
{
    static readonly DateTimeOffset s_at = new(2026, 12, 2, 1, 30, 5, TimeSpan.FromHours(2));

    [Fact]
    public void In_the_JSON_log_a_time_reads_the_same_in_the_words_and_in_the_fields()
    {
        using var services = new ServiceCollection()
            .AddLogging(builder => GatewayLog.Configure(builder, new LogSettings(LogFormat.Json, LogLevel.Information), terminal: false, colours: false))
            .BuildServiceProvider();
        var name = services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value.FormatterName;
        var log = new FormattedLog(services.GetServices<ConsoleFormatter>().Single(formatter => formatter.Name == name));

        LogSample(log, s_at, null, new DateOnly(2026, 12, 1));

        using var line = JsonDocument.Parse(log.Line);
        var state = line.RootElement.GetProperty("State");
        Assert.Equal("since 2026-12-01T23:30:05.000Z, again at (null), about 2026-12-01", line.RootElement.GetProperty("Message").GetString());
        Assert.Equal("2026-12-01T23:30:05.000Z", state.GetProperty("Since").GetString());
        Assert.Equal(JsonValueKind.Null, state.GetProperty("RetryAt").ValueKind);
        Assert.Equal("2026-12-01", state.GetProperty("Day").GetString());
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "since {Since}, again at {RetryAt}, about {Day}")]
    static partial void LogSample(ILogger log, LogTime since, LogTime? retryAt, LogTime day);

    /// <summary>What the console would show of the last event.</summary>
    sealed class FormattedLog(ConsoleFormatter formatter) : ILogger
    {
        public string Line { get; private set; } = "";

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> words)
        {
            using var writer = new StringWriter();
            formatter.Write(new LogEntry<TState>(logLevel, "sample", eventId, state, exception, words), null, writer);
            Line = writer.ToString();
        }
    }
}

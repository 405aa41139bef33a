using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Tests;

/// <summary>Keeps what was logged, with its fields.</summary>
sealed class RecordingLog<T> : ILogger<T>
{
    public ConcurrentQueue<LogLine> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var fields = (state as IReadOnlyList<KeyValuePair<string, object?>> ?? []).ToDictionary(field => field.Key, field => field.Value);
        Lines.Enqueue(new LogLine(logLevel, eventId.Id, formatter(state, exception), fields, exception));
    }
}

sealed record LogLine(LogLevel Level, int Event, string Text, Dictionary<string, object?> Fields, Exception? Exception);

using Microsoft.Extensions.Logging;

namespace Hopseal.Tests;

/// <summary>A log as a list: number, level and words of each event.</summary>
sealed class ListLog<T> : ILogger<T>
{
    public List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Add($"{eventId.Id} {logLevel} {formatter(state, exception)}");
}

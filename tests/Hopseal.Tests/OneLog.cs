using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests;

/// <summary>Keeps the log of one class.</summary>
sealed class OneLog<T>(ListLog<T> log) : ILoggerFactory
{
    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => categoryName == typeof(T).FullName ? log : NullLogger.Instance;

    public void Dispose()
    {
    }
}

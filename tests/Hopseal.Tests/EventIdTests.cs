using System.Reflection;
using Hopseal.Relay;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging;

namespace Hopseal.Tests;

public sealed class EventIdTests
{
    /// <summary>People find and count events by their number.</summary>
    [Fact]
    public void No_two_events_have_the_same_number()
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var events =
            from assembly in new[] { typeof(Gateway).Assembly, typeof(RecordsDatabase).Assembly, typeof(SessionLog).Assembly }
            from type in assembly.GetTypes()
            from method in type.GetMethods(Any)
            let number = method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId
            where number > 0
            select (Number: number.Value, Name: $"{type.Name}.{method.Name}");

        var all = events.ToArray();
        Assert.NotEmpty(all);
        Assert.Empty(all.GroupBy(one => one.Number).Where(same => same.Count() > 1).Select(same => string.Join(", ", same)));
    }
}

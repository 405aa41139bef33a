using System.Reflection;
using Hopseal.Dashboard;
using Hopseal.Monitor;
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
        var all = Events().Where(one => one.Number > 0).ToArray();
        Assert.NotEmpty(all);
        Assert.Empty(all.GroupBy(one => one.Number).Where(same => same.Count() > 1).Select(same => string.Join(", ", same.Select(one => one.Name))));
    }

    /// <summary>The JSON log writes the fields of an event as the runtime does, dates month first, and the words beside them in another form: see
    /// <see cref="LogTime"/>.</summary>
    [Fact]
    public void No_event_has_a_field_that_the_runtime_writes_as_a_date()
    {
        Type[] times = [typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(object)];
        var all = Events().ToArray();
        Assert.Contains(all, one => one.Fields.Contains(typeof(string)));
        Assert.Empty(all.Where(one => one.Fields.Any(field => times.Contains(Nullable.GetUnderlyingType(field) ?? field))).Select(one => one.Name));
    }

    static IEnumerable<(int Number, string Name, Type[] Fields)> Events()
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        Type[] parts = [typeof(Gateway), typeof(DashboardWeb), typeof(DomainMonitor), typeof(RecordsDatabase), typeof(SessionLog)];
        return
            from part in parts
            from type in part.Assembly.GetTypes()
            from method in type.GetMethods(Any)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            select (message.EventId, $"{type.Name}.{method.Name}", method.GetParameters().Select(parameter => parameter.ParameterType).ToArray());
    }
}

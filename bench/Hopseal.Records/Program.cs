// Fills a database of records with as many sessions as are asked for, and says how long each question of SessionQuery takes on it.
// usage: hopseal-records DIRECTORY [SESSIONS | write]; a database that is there already is used as it is. With "write": what it costs to record.
using System.Diagnostics;
using System.Globalization;
using Hopseal.Records;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not [var directory, .. var rest] || rest.Length > 1)
{
    Console.Error.WriteLine("usage: hopseal-records DIRECTORY [SESSIONS | write]");
    return 2;
}

if (rest is ["write"])
{
    await Writing.MeasureAsync(directory);
    return 0;
}

var sessions = rest.Length == 1 ? long.Parse(rest[0], CultureInfo.InvariantCulture) : 10_000_000;
var filled = File.Exists(Path.Combine(directory, RecordsDatabase.FileName));
await using var database = RecordsDatabase.Open(directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
if (!filled)
{
    var watch = Stopwatch.StartNew();
    await Filling.FillAsync(database, sessions);
    Console.Error.WriteLine($"{sessions:N0} sessions in {watch.Elapsed.TotalSeconds:N0} s");
}

Console.WriteLine("| Question | rows | first, ms | again, ms |");
Console.WriteLine("|---|---|---|---|");
foreach (var (name, ask) in Questions.All(new SessionQuery(database)))
{
    var (first, rows) = Measure(ask);
    var again = Enumerable.Range(0, 5).Select(_ => Measure(ask).Milliseconds).Order().ElementAt(2);
    Console.WriteLine($"| {name} | {rows} | {first:N1} | {again:N1} |");
}

return 0;

static (double Milliseconds, int Rows) Measure(Func<int> ask)
{
    var watch = Stopwatch.StartNew();
    var rows = ask();
    return (watch.Elapsed.TotalMilliseconds, rows);
}

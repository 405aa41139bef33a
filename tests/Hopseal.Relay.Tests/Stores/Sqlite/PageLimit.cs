using System.Globalization;
using Hopseal.Relay.Stores.Sqlite;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

/// <summary>A full disk, played by SQLite's own limit on the pages of a database. It is one of the connection, and so is set in the writer.</summary>
static class PageLimit
{
    public const int None = 1_000_000;

    /// <param name="pages">SQLite never takes less than there are.</param>
    public static async Task LimitPagesAsync(this SqliteQueueStore store, int pages) =>
        await store.AskAsync(string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages}"));

    public static async Task<int> CountPagesAsync(this SqliteQueueStore store) => (int)await store.AskAsync("PRAGMA page_count");

    static async Task<long> AskAsync(this SqliteQueueStore store, string pragma) => await store.DoAsync(
        rows =>
        {
            using var ask = new Statement(rows.Connection, pragma);
            return ask.Ask() ?? 0;
        },
        TestContext.Current.CancellationToken);
}

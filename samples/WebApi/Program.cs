// Describes uploaded pictures: dotnet run --project samples/WebApi -c Release -- --Model:ModelPath model.gguf --Model:ProjectorPath mmproj.gguf
// then: curl -F picture=@cat.jpg "http://localhost:5000/describe?question=What+is+this"
using Microsoft.Extensions.AI;
using TinyMllm;

const long LargestUpload = 20 << 20;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
IConfiguration section = builder.Configuration.GetSection("Model");
if (section[nameof(ModelOptions.ModelPath)] is null)
{
    Console.Error.WriteLine("usage: WebApi --Model:ModelPath model.gguf --Model:ProjectorPath mmproj.gguf (or set Model__ModelPath and so on, or appsettings.json)");
    return 2;
}

builder.Services.AddTinyMllm(section);
builder.Services.AddTinyMllmWarmUp();
WebApplication app = builder.Build();

// The answer is streamed as plain text while it is made; a client that leaves ends the work.
app.MapPost("/describe",
    async (IFormFile picture, string? question, IChatClient client, HttpContext http, CancellationToken cancellationToken) =>
{
    if (picture.Length > LargestUpload)
    {
        http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        return;
    }

    using var bytes = new MemoryStream();
    await picture.CopyToAsync(bytes, cancellationToken);
    var message = new ChatMessage(ChatRole.User,
        [new DataContent(bytes.ToArray(), "image/*"), new TextContent(question ?? "Describe this picture.")]);
    http.Response.ContentType = "text/plain; charset=utf-8";
    try
    {
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync([message], new ChatOptions { MaxOutputTokens = 200 },
            cancellationToken))
        {
            await http.Response.WriteAsync(update.Text, cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
        }
    }
    catch (TinyMllmException problem) when (problem.Kind is TinyMllmErrorKind.InvalidImage or TinyMllmErrorKind.ContextOverflow && !http.Response.HasStarted)
    {
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        await http.Response.WriteAsync(problem.Message, cancellationToken);
    }
}).DisableAntiforgery();

app.Run();
return 0;

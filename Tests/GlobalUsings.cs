global using TinyMllm.Engine;

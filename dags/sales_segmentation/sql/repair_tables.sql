MSCK REPAIR TABLE `{{ params.dataset }}`
